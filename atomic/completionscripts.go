package main

// completionScripts has the script of each shell. All of them walk over the
// words before the cursor to find the command, and ask atomic itself for images
// and containers; when it does not answer in time nothing is offered.
func completionScripts() map[string]string {
	return map[string]string{"bash": walkScript + bashScript, "zsh": "#compdef atomic\n" + walkScript + zshScript, "fish": fishScript}
}

// walkScript is common to bash and zsh: a function that prints what may stand
// in the place of the last of its words, one to a line, and nothing where that
// is the name of a file.
const walkScript = `# Made by atomic completion.

__atomic_image() {
	timeout 3 atomic images list --noheading 2>/dev/null |
		sed -n '/<none>/d; s/^[*> ] *\([^ ]*\)  *\([^ ]*\) .*/\1:\2/; s/:latest$//; p'
}

__atomic_container() {
	timeout 3 atomic containers list --all --noheading 2>/dev/null |
		sed -n 's/^ *[^ ]*  *[^ ]*  *\([^ ]*\) .*/\1/p'
}

__atomic_words() {
	local at=$1 option='' arguments=0
	shift
	while [ $# -gt 1 ]; do
		if [ -n "$option" ]; then
			option=''
			shift
			continue
		fi
		case "$at $1" in
		*' --'*=*) ;;
		{{alternatives .Valued}}) option=$1 ;;
		*' -'*) ;;
		{{alternatives .Commands}}) at="$at $1" ;;
		*) arguments=$((arguments + 1)) ;;
		esac
		shift
	done
	case "$option" in
{{- range $name, $values := .Values}}
	{{quote $name}}) printf '%s\n' {{quoteAll $values}} ;;
{{- end}}
	esac
	[ -z "$option" ] || return 0
	case "$at $1" in
{{- range .Tree}}
	{{quote .Path}}' -'*) {{if .Trailing}}[ $arguments -gt 0 ] || {{end}}printf '%s\n' {{quoteAll .Options}} ;;
{{- if eq .Path "atomic completion"}}
	{{quote .Path}}' '*) printf '%s\n' bash zsh fish ;;
{{- else if .Words}}
	{{quote .Path}}' '*) printf '%s\n' {{quoteAll .Words}} ;;
{{- else if .Object}}
	{{quote .Path}}' '*) {{if eq .Most 1}}[ $arguments -gt 0 ] || {{end}}__atomic_{{.Object}} ;;
{{- end}}{{end}}
	esac
}
`

// bashScript takes the line apart itself, for bash breaks words at colons too,
// and what it offers replaces only what is behind the last of them.
const bashScript = `
_atomic() {
	local line=${COMP_LINE:0:COMP_POINT} current= IFS=$' \t\n'
	local -a words
	read -ra words <<<"$line"
	case $line in
	*[[:blank:]]) words+=('') ;;
	*) current=${words[${#words[@]}-1]} ;;
	esac
	words[0]=atomic
	IFS=$'\n'
	COMPREPLY=($(compgen -W "$(__atomic_words "${words[@]}")" -- "$current"))
	local broken=${current%"${current##*[:=]}"}
	COMPREPLY=("${COMPREPLY[@]#"$broken"}")
}
complete -o bashdefault -o default -F _atomic atomic
`

const zshScript = `
_atomic() {
	local -a found
	found=("${(@f)$(__atomic_words atomic "${(@)words[2,CURRENT]}")}")
	found=(${found:#})
	if (( $#found )); then
		compadd -a found
	else
		_files
	fi
}
if [ "$funcstack[1]" = _atomic ]; then
	_atomic "$@"
else
	compdef _atomic atomic
fi
`

const fishScript = `# Made by atomic completion.

function __atomic_image
	timeout 3 atomic images list --noheading 2>/dev/null |
		sed -n '/<none>/d; s/^[*> ] *\([^ ]*\)  *\([^ ]*\) .*/\1:\2/; s/:latest$//; p'
end

function __atomic_container
	timeout 3 atomic containers list --all --noheading 2>/dev/null |
		sed -n 's/^ *[^ ]*  *[^ ]*  *\([^ ]*\) .*/\1/p'
end

function __atomic_words
	set -l at atomic
	set -l option
	set -l arguments 0
	set -l words (commandline -opc)
	for word in $words[2..-1]
		if test -n "$option"
			set option
			continue
		end
		switch "$at $word"
			case '* --*=*'
			case {{quoteAll .Valued}}
				set option $word
			case '* -*'
			case {{quoteAll .Commands}}
				set at "$at $word"
			case '*'
				set arguments (math $arguments + 1)
		end
	end
	switch "$option"
{{- range $name, $values := .Values}}
		case {{fish $name}}
			printf '%s\n' {{quoteAll $values}}
{{- end}}
	end
	set -l current (commandline -ct)
	if test -n "$option"
		contains -- $option {{range $name, $_ := .Values}}{{fish $name}} {{end}}; or __fish_complete_path "$current"
		return
	end
	switch "$at $current"
{{- range $c := .Tree}}
		case {{fish (print .Path " -*")}}
			{{if .Trailing}}test $arguments -gt 0; or {{end}}printf '%s\t%s\n'{{range .Options}} {{fish .}} {{fish (index $c.Usage .)}}{{end}}
{{- if eq .Path "atomic completion"}}
		case {{fish (print .Path " *")}}
			printf '%s\n' bash zsh fish
{{- else if .Words}}
		case {{fish (print .Path " *")}}
			printf '%s\t%s\n'{{range .Words}} {{fish .}} {{fish (index $c.Usage .)}}{{end}}
{{- else if .Object}}
		case {{fish (print .Path " *")}}
{{- if eq .Most 1}}
			if test $arguments -gt 0
				__fish_complete_path "$current"
				return
			end
{{- end}}
			__atomic_{{.Object}}
{{- end}}{{end}}
	end
end

complete -c atomic -f -a '(__atomic_words)'
`
