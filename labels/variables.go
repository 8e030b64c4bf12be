package labels

import "strings"

// dollar reads what follows a "$": $NAME, ${NAME}, ${NAME:-fallback} or
// $(pwd). Anything else leaves the "$" an ordinary character.
func (l *lexer) dollar(w *word, quoted bool) {
	start := l.pos
	rest := l.text[start+1:]
	switch {
	case l.plain:
		l.pos++
		w.literal("$", quoted, start, l.pos)
	case strings.HasPrefix(rest, "("):
		l.parenthesis(w, quoted)
	case strings.HasPrefix(rest, "{"):
		l.braces(w, quoted)
	default:
		n := nameLength(rest)
		l.pos = start + 1 + n
		if n == 0 {
			w.literal("$", quoted, start, l.pos)
			return
		}
		w.parts = append(w.parts, part{name: rest[:n], quoted: quoted, start: start, end: l.pos})
	}
}

// nameLength is that of the variable's name at the start of text.
func nameLength(text string) int {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(text)
}

// parenthesis reads $(…), of which only $(pwd) means something.
func (l *lexer) parenthesis(w *word, quoted bool) {
	start, depth := l.pos, 0
	for i := start + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			l.pos = i + 1
			l.substitution(w, l.text[start+2:i], start, quoted)
			return
		}
	}
	l.pos = len(l.text)
	l.substitution(w, l.text[start+2:], start, quoted)
}

// braces reads ${NAME} and ${NAME:-fallback}.
func (l *lexer) braces(w *word, quoted bool) {
	start := l.pos
	n := nameLength(l.text[start+2:])
	v := part{name: l.text[start+2 : start+2+n], quoted: quoted, start: start}
	l.pos = start + 2 + n
	rest := l.text[l.pos:]
	switch {
	case n == 0:
		l.fail(start, l.pos, "write ${NAME}", "there is no variable name after ${")
		return
	case strings.HasPrefix(rest, "}"):
		l.pos++
	case strings.HasPrefix(rest, ":-"):
		l.pos += 2
		v.fallback = l.fallback(start, quoted)
	case rest == "":
		l.fail(start, l.pos, "close it with }", "unbalanced ${")
	default:
		l.fail(start, l.pos+1, "write ${"+v.name+"} or ${"+v.name+":-value}", "${"+v.name+"…} uses an operator other than :-")
	}
	if l.broken {
		return
	}
	v.end = l.pos
	w.parts = append(w.parts, v)
}

// fallback reads the word after ":-" and its "}". Inside double quotes it may
// hold blanks, outside it may not.
func (l *lexer) fallback(start int, quoted bool) *word {
	if l.depth++; l.depth > maxDepth {
		l.fail(start, l.pos, "", "fallbacks nested too deep")
		return nil
	}
	defer func() { l.depth-- }()
	w := word{start: l.pos}
	for !l.broken && l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case c == '}':
			w.end = l.pos
			l.pos++
			return &w
		case quoted && c == '"':
			l.fail(start, l.pos, "close it with } before the quote", "unbalanced ${")
		case quoted:
			l.quotedPiece(&w, `"}`)
		case isBlank(c):
			l.fail(start, l.pos, `put double quotes around the word: "${NAME:-a b}"`, "an unquoted fallback holds a blank")
		case l.operator():
		default:
			l.piece(&w, true)
		}
	}
	if !l.broken {
		l.fail(start, len(l.text), "close it with }", "unbalanced ${")
	}
	return nil
}
