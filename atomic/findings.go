package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/projectatomic/atomic/labels"
	"github.com/projectatomic/atomic/labels/run"
)

// showFindings prints findings of at least the given weight as a compiler
// would: place, message, the author's text with a mark under the word, advice.
func (e *env) showFindings(text labels.Text, findings []run.Finding, notes bool) {
	for _, f := range findings {
		if f.Level == run.Note && !notes {
			continue
		}
		e.notef("%s: %s: %s [%s]", place(text, f), f.Level, f.Message, f.Code)
		if f.Source == "" && f.Length > 0 && f.Offset+f.Length <= len(text.Value) {
			line, mark := underline(text.Value, f.Offset, f.Length)
			e.notef("    %s\n    %s", line, mark)
		}
		if f.Hint != "" {
			e.notef("    hint: %s", f.Hint)
		}
	}
}

func place(text labels.Text, f run.Finding) string {
	switch {
	case f.Source != "":
		return fmt.Sprintf("%s label, %s, byte %d", text.Label, f.Source, f.Offset)
	case f.Field != "" && f.Length == 0:
		return fmt.Sprintf("%s label, %s", text.Label, f.Field)
	}
	return fmt.Sprintf("%s label, byte %d", text.Label, f.Offset)
}

// contextBytes is how much of a long label is shown on either side of a word.
const contextBytes = 60

// underline cuts the line around a word out of a text and marks the word.
func underline(text string, offset, length int) (line, mark string) {
	start, end := max(0, offset-contextBytes), min(len(text), offset+length+contextBytes)
	if i := strings.LastIndexByte(text[start:offset], '\n'); i >= 0 {
		start += i + 1
	}
	if i := strings.IndexByte(text[offset+length:end], '\n'); i >= 0 {
		end = offset + length + i
	}
	for start > 0 && !utf8.RuneStart(text[start]) {
		start--
	}
	before := printable(text[start:offset])
	word := printable(text[offset : offset+length])
	mark = strings.Repeat(" ", utf8.RuneCountInString(before)) + strings.Repeat("^", max(1, utf8.RuneCountInString(word)))
	return before + word + printable(text[offset+length:end]), mark
}

// printable keeps what an image's author wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return '·'
		}
		return r
	}, s)
}
