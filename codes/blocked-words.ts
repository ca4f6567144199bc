/**
 * Words that no made code may contain: data only. codes/word-filter.ts looks for them in the code as written,
 * and again with the digits taken out (시1발 is a common way around a filter), so that words across a digit are
 * found too.
 *
 * The list also has words that today's alphabets cannot spell: it stays right when a character is added. A
 * word is syllables, capital letters and ASCII digits in NFC; a digit stands for its sound too (4기 for
 * 사기). Blocking an innocent word costs next to nothing, so when in doubt a word goes in.
 */

export type BlockedWordGroup = { readonly why: string; readonly words: readonly string[] };

const list = (words: string): readonly string[] => words.split(/\s+/).filter((word) => word !== "");

export const BLOCKED_WORD_GROUPS: readonly BlockedWordGroup[] = [
  {
    why: "curses, their misspellings and their first halves",
    words: list(`
      씨발 시발 씨팔 시팔 시바 시방 시벌 시볼 시부 시불 시펄 스발 스벌 스바 스방 슈발 슈벌 쉬발 수발 수벌 씹 십새 십창
      좆 좃 조까 조지 족까 존나 존버 존만 존잘 전나 종나 존망 졸나 지랄 지럴 지갈 니미 니기미 니거미 니그미 느금 느그 너금 너검
      닝기 지미 금마 점마 노마 노미 놈 넘들 잡넘 상넘 창넘 도넘 미친 미틴 미칭 미칠 미핀 미침 발넘 개새 새끼 개자 개소리
      염병 젠장 제기 망할 닥쳐 닥치 꺼져 뒤져 뒈져 디저 디지 디진 디질 주거 주글 주긴 주길 주근 터저 버커 퍼커 퍼킹 버킹
      처먹 저주 빌어먹 아가리 머갈 발칵 골비 골빈 텅빈 빙창 카악 퉤
    `),
  },
  {
    why: "the body and sex",
    words: list(`
      보지 자지 잠지 보징 자징 버지 번지 보추 소추 자추 털보 보슬 성기 성감 성추 성폭 성노 성매 성상 성병 성충동 매춘 매독 창녀 창남
      창나 창부 창기 남창 남근 남첩 음경 음모 음부 치부 치모 치정 치한 고자 정자 난자 몽정 사정 자궁 자위 불알 붕알 부랄 간통 간부
      간음 수간 윤간 강간 간강 근친 포주 갈보 기생 탕남 방탕 남탕 탕치 누드 누두 포르노 콘돔 콘둠 딜도 딜두 포경 몸파 몸캠 몸카
      몰카 비치 빗치 쇼타 섹스 젖 젓통 구멍 궁둥 궁딩 엉덩 방둥 방댕 신음 체위 변태 노출 동정남 삽입 발정 발기 자극적 풍기문 춘정 춘심
    `),
  },
  {
    why: "slurs: body and mind",
    words: list(`
      병신 빙신 벙신 멍신 븅신 등신 둥신 정신병 정신 신병 바보 멍청 멍텅 멍충 머저 모지 모질 머절 천치 백치 둔치 둔탱 둔통 저능 진상
      진따 진타 찐따 또라이 도라이 돌아이 돌추 칠푼 팔푼 7푼 8푼 문둥 문딩 곰보 장님 벙어 벙추 불구 귀머거 머거 곱추 꼽추 난쟁
      난장 추남 추녀 추물 절름 절둑 언청 간질 치매 노망 망령 주접 추접 지저 수치 잡종 곤충 버러지 벌거지 빈대 진드 구더기
    `),
  },
  {
    why: "slurs: origin, sex, age, rank, politics",
    words: list(`
      니거 니가 니그로 검둥 깜둥 흰둥 칭총 칭창 칭챙 칭창총 짱깨 장깨 장골 쪽발 왜놈 조선징 조센징 양키 나치 친노 친문 친박 노무 문슬 토착
      김정 김치녀 된장녀 한남 한녀 맘충 급식충 틀딱 틀니 퐁퐁 보빨 일베 1배 1베 촌넘 촌티 촌구 종넘 종년 천민 빈민 거지 그지 걸인
      건달 불한당 조폭 깡패 망나 간신 상년 상놈 쌍년 쌍놈 썅 딴따 무당 점장 도둑 도적 강도 1진 노친 노땅 기레 공산당 빨갱 좌빨
    `),
  },
  {
    why: "death, crime and disaster",
    words: list(`
      자살 타살 피살 총살 도살 몰살 참살 척살 살인 살해 살자 사망 사산 시신 시체 송장 장송 장지 무덤 저승 지옥 마귀 귀신 좀비
      부고 추모 조문 초상 상주 상중 문상 순장 관짝 투신 자진 추락 낙태 참수 참변 참사 참극 단두 토막 난도 칼부 칼침 총칼 총탄 총상
      파산 도산 파탄 부도 난파 침몰 침수 붕괴 재난 재앙 지진 전범 전멸 몰수 감금 감방 고문 고통 통곡 곡소 4기 사기 5살 4정
      도청 도굴 투기 촌지 마약 대마 본드 강점 독살 몰매 구타 난타 납치 피칠 피범 범죄 범인 전과 수감 탄저
    `),
  },
  {
    why: "filth",
    words: list(
      `똥 오줌 5줌 방구 방귀 설사 대변 소변 변소 구토 9토 토사 응가 코딱 콧물 가래 걸레 쓰레기 지린 치질 7질`,
    ),
  },
  {
    why: "would tell the holder that the coupon is worth nothing",
    words: list(
      `품절 마감 중지 중단 정지 금지 불가 반품 무가치 무효 종료 만료 만기 취소 폐기 소진 꽝 당첨 가짜 거짓 비매품`,
    ),
  },
  {
    why: "digits: 18 is read as the curse 십팔, 69 is sexual, 444 is death three times, 666 the devil",
    words: list(`18 69 444 666`),
  },
  {
    why: "a digit read together with the syllable beside it",
    words: list(`시8 씨8 개8 조8 10새 10창 10넘 미7 미9 2넘 2년 4망 4탄 9멍 자4`),
  },
  {
    why: "English and German without their vowels, as people write them to pass a filter; slogans of hatred",
    words: list(
      `FCK FVCK FUCK FKK FKT FQ CVNT CNT CVM DCK CCK KCK VCK BTCH BYTCH PRCK JRK TWT TRD PHCK RTRD FGT FGGT HMX PRN PRVRT XXX
       KKK HH HKK WTF GTFH GFY KYS STFU JZZ WHR WHRR TRMP GTT GTTR FTTR KRPPR NGR NGGR NWRD PKR JHD DTH DRG CRCK CRPPLD MRD MRDR`,
    ),
  },
];

/** All blocked words, no repeats. */
export const BLOCKED_WORDS: readonly string[] = Object.freeze([
  ...new Set(BLOCKED_WORD_GROUPS.flatMap((group) => group.words)),
]);
