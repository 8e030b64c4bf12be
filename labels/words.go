package labels

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/projectatomic/atomic/labels/run"
)

// A word is one argument of a text, in parts.
type word struct {
	parts      []part
	start, end int // bytes of the text
}

// A part is a piece of a word with one origin: literal text, or a variable.
type part struct {
	text     string // literal, when name is empty
	name     string // of a variable
	fallback *word  // of ${name:-fallback}
	quoted   bool   // stood in quotes or behind a backslash
	start    int
	end      int
}

// split finds the words of a text by the rules of the POSIX shell, without the
// shell: there are no operators, no substitutions, no comments and no globs.
func split(text string) ([]word, []run.Finding) {
	l := lexer{text: text}
	return l.split()
}

// splitValue is split for the value of a list variable: "$" is an ordinary
// character there, for a value is not looked at for variables.
func splitValue(value, source string) ([]word, []run.Finding) {
	l := lexer{text: value, source: source, plain: true}
	return l.split()
}

// maxText is more than any label that means something; it bounds time and memory.
const maxText = 128 << 10

func (l *lexer) split() ([]word, []run.Finding) {
	if len(l.text) > maxText {
		l.fail(maxText, len(l.text), "", fmt.Sprintf("the text is longer than %d bytes", maxText))
		return nil, l.findings
	}
	if f := l.control(); f != nil {
		return nil, []run.Finding{*f}
	}
	var words []word
	for l.blanks(); l.pos < len(l.text); l.blanks() {
		if w, ok := l.word(); ok {
			words = append(words, w)
		}
		if l.broken {
			break
		}
	}
	return words, l.findings
}

// A lexer walks over a text. It goes on after an operator or a substitution,
// so that all of them are found, and stops at a syntax error.
type lexer struct {
	text     string
	source   string // for findings; empty for a label's own text
	plain    bool   // no variables
	pos      int
	depth    int // of fallbacks
	broken   bool
	findings []run.Finding
}

const maxDepth = 20

func (l *lexer) refuse(code run.Code, start, end int, hint, message string) {
	l.findings = append(l.findings, run.Finding{
		Code: code, Level: run.Error, Message: message, Hint: hint,
		Origin: run.Origin{Source: l.source, Offset: start, Length: end - start},
	})
}

// fail is a syntax error: what follows cannot be read.
func (l *lexer) fail(start, end int, hint, message string) {
	l.broken = true
	l.pos = len(l.text)
	l.refuse(Syntax, start, end, hint, message)
}

// control finds characters that no label may hold.
func (l *lexer) control() *run.Finding {
	i := strings.IndexFunc(l.text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\t' && r != '\n'
	})
	if i < 0 {
		return nil
	}
	r, size := utf8.DecodeRuneInString(l.text[i:])
	return &run.Finding{
		Code: Syntax, Level: run.Error, Message: fmt.Sprintf("control character %q", r),
		Hint:   "only blanks, tabs and newlines may separate words",
		Origin: run.Origin{Source: l.source, Offset: i, Length: size},
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

// blanks skips what separates words; an escaped newline is nothing.
func (l *lexer) blanks() {
	for l.pos < len(l.text) {
		switch {
		case isBlank(l.text[l.pos]):
			l.pos++
		case strings.HasPrefix(l.text[l.pos:], "\\\n"):
			l.pos += 2
		default:
			return
		}
	}
}

// word reads one word; there is none where only an escaped newline or an
// operator stood.
func (l *lexer) word() (word, bool) {
	w := word{start: l.pos}
	seen := false
	for l.pos < len(l.text) && !isBlank(l.text[l.pos]) {
		if l.operator() {
			continue
		}
		seen = l.piece(&w, false) || seen
	}
	w.end = min(l.pos, len(l.text))
	return w, seen
}

const operators = ";|&<>()"

// operator refuses what a shell would not take as a character of a word.
func (l *lexer) operator() bool {
	start := l.pos
	for l.pos < len(l.text) && strings.IndexByte(operators, l.text[l.pos]) >= 0 {
		l.pos++
	}
	if l.pos == start {
		return false
	}
	op := l.text[start:l.pos]
	l.refuse(ShellOperator, start, l.pos, "no shell runs a label; put quotes around it where the character is meant, or let the container run sh -c",
		"unquoted "+op+" is for a shell")
	return true
}

// piece reads the next part of a word outside quotes. inFallback ends at "}".
// It tells whether the word has something now, be it the empty string.
func (l *lexer) piece(w *word, inFallback bool) bool {
	start := l.pos
	switch l.text[l.pos] {
	case '\'':
		l.single(w)
	case '"':
		l.double(w)
	case '\\':
		return l.escape(w)
	case '$':
		l.dollar(w, false)
	case '`':
		l.backquote(w, false)
	default:
		stop := " \t\n'\"\\$`" + operators
		if inFallback {
			stop += "}"
		}
		n := strings.IndexAny(l.text[l.pos:], stop)
		if n < 0 {
			n = len(l.text) - l.pos
		}
		l.pos += n
		w.literal(l.text[start:l.pos], false, start, l.pos)
	}
	return true
}

func (w *word) literal(text string, quoted bool, start, end int) {
	w.parts = append(w.parts, part{text: text, quoted: quoted, start: start, end: end})
}

// single reads '…'.
func (l *lexer) single(w *word) {
	start := l.pos
	n := strings.IndexByte(l.text[start+1:], '\'')
	if n < 0 {
		l.fail(start, len(l.text), "close it with another '", "unbalanced single quote")
		return
	}
	l.pos = start + 1 + n + 1
	w.literal(l.text[start+1:l.pos-1], true, start, l.pos)
}

// escape reads a backslash and what follows it, outside quotes.
func (l *lexer) escape(w *word) bool {
	start := l.pos
	if start+1 == len(l.text) {
		l.fail(start, start+1, "write \\\\ for a backslash", "the text ends in a backslash")
		return false
	}
	if l.text[start+1] == '\n' {
		l.pos += 2
		return false
	}
	_, size := utf8.DecodeRuneInString(l.text[start+1:])
	l.pos += 1 + size
	w.literal(l.text[start+1:l.pos], true, start, l.pos)
	return true
}

// double reads "…".
func (l *lexer) double(w *word) {
	start := l.pos
	l.pos++
	w.literal("", true, start, l.pos)
	for !l.broken {
		if l.pos >= len(l.text) {
			l.fail(start, len(l.text), "close it with another \"", "unbalanced double quote")
			return
		}
		if l.text[l.pos] == '"' {
			l.pos++
			return
		}
		l.quotedPiece(w, `"`)
	}
}

// quotedPiece reads a part inside double quotes, up to one of stop.
func (l *lexer) quotedPiece(w *word, stop string) {
	start := l.pos
	switch l.text[l.pos] {
	case '$':
		l.dollar(w, true)
	case '`':
		l.backquote(w, true)
	case '\\':
		l.pos++
		switch {
		case l.pos >= len(l.text):
			l.fail(start, l.pos, "", "the text ends in a backslash")
		case l.text[l.pos] == '\n':
			l.pos++
		case strings.IndexByte("$`\"\\", l.text[l.pos]) >= 0:
			l.pos++
			w.literal(l.text[start+1:l.pos], true, start, l.pos)
		default:
			w.literal(`\`, true, start, l.pos)
		}
	default:
		n := strings.IndexAny(l.text[l.pos:], stop+"$`\\")
		if n < 0 {
			n = len(l.text) - l.pos
		}
		l.pos += n
		w.literal(l.text[start:l.pos], true, start, l.pos)
	}
}

// backquote reads `…`, of which only `pwd` means something.
func (l *lexer) backquote(w *word, quoted bool) {
	start := l.pos
	if l.plain && quoted {
		l.pos++
		w.literal("`", true, start, l.pos)
		return
	}
	n := strings.IndexByte(l.text[start+1:], '`')
	if n < 0 {
		l.fail(start, len(l.text), "", "unbalanced backquote")
		return
	}
	l.pos = start + 1 + n + 1
	l.substitution(w, l.text[start+1:l.pos-1], start, quoted)
}

func (l *lexer) substitution(w *word, command string, start int, quoted bool) {
	if strings.Trim(command, " \t") == "pwd" && !l.plain {
		w.parts = append(w.parts, part{name: "PWD", quoted: quoted, start: start, end: l.pos})
		return
	}
	l.refuse(CommandSubstitution, start, l.pos, "no shell runs a label; pass the value with --opt1 and ${OPT1}, or let the container find it",
		"command substitution "+l.text[start:l.pos])
	w.literal("", quoted, start, l.pos)
}
