/**
 * The ids under which a user may have claimed: exactly as it is given, and in NFC, as tokens and backends
 * have it (access/proven-user-id.ts).
 */
export function spellingsOf(userId: string): string[] {
  return [...new Set([userId, userId.normalize("NFC")])];
}
