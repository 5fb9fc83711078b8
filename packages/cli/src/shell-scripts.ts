/** Completion for each shell. The words come from `lading __complete`, so a script never has to be made anew. */
export const SCRIPTS = {
  bash: `_lading() {
  local IFS=$'\\n'
  COMPREPLY=($(lading __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _lading lading
`,
  zsh: `#compdef lading
_lading() {
  local -a found
  found=("\${(@f)$(lading __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#found} )) && [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _lading lading
`,
  fish: `function __lading_words
  set -l words (commandline -opc) (commandline -ct)
  lading __complete -- $words[2..-1] 2>/dev/null
end
complete -c lading -a '(__lading_words)'
`,
} as const;
