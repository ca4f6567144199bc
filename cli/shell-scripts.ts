/**
 * The scripts with which shells complete `coupon`. They are short, because the command itself computes the
 * candidates (cli/completions.ts).
 */

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function isShell(name: string | undefined): name is Shell {
  return shells.some((shell) => shell === name);
}

/** The verb that the scripts below call. It is only for them, so no help shows it. */
export const completeVerb = "__complete";

/** The command's answer with which the shell offers files. */
export const filesMark = ":files";

const bash = `# bash completion of coupon
_coupon() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = "${filesMark}" ]; then
      compopt -o default
      return
    fi
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" ${completeVerb} bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _coupon coupon
`;

const zsh = `#compdef coupon
_coupon() {
  local -a candidates
  candidates=("\${(@f)$("$words[1]" ${completeVerb} zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("\${(@)candidates:#}")
  if [[ "$candidates[1]" == "${filesMark}" ]]; then
    _files
  elif (( $#candidates )); then
    _describe -V coupon candidates
  fi
}
if [[ "$funcstack[1]" == "_coupon" ]]; then
  _coupon "$@"
else
  compdef _coupon coupon
fi
`;

const fish = `# fish completion of coupon
function __coupon_candidates
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l answers ($words[1] ${completeVerb} fish $words[2..-1] "$current" 2>/dev/null)
  if test "$answers[1]" = "${filesMark}"
    __fish_complete_path "$current"
  else
    string join \\n -- $answers
  end
end
complete -c coupon -f -k -a '(__coupon_candidates)'
`;

export const shellScripts: Record<Shell, string> = { bash, zsh, fish };
