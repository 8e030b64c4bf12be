// Package console reads the sessions in documents, so that tests can type what
// the documents show.
//
// A session is a fenced block of the language console. A line that begins with
// "$ " is a command; what follows, up to the next one, is what it prints. The
// sign … stands for any text in a line, and alone on a line for any lines.
package console

import (
	"fmt"
	"regexp"
	"strings"
)

// A Command is a line of a session and what it prints.
type Command struct {
	Line   int // of the document, from 1
	Text   string
	Output string // ends in a newline, unless it is empty
}

// Sessions finds the commands of a document in Markdown, block by block.
func Sessions(document string) [][]Command {
	var sessions [][]Command
	inside := false
	number := 0
	for line := range strings.Lines(document) {
		number++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "```console":
			inside = true
			sessions = append(sessions, nil)
		case strings.HasPrefix(line, "```"):
			inside = false
		case inside:
			last := &sessions[len(sessions)-1]
			if text, ok := strings.CutPrefix(line, "$ "); ok {
				*last = append(*last, Command{Line: number, Text: text})
			} else if n := len(*last); n > 0 {
				(*last)[n-1].Output += line + "\n"
			}
		}
	}
	return sessions
}

const ellipsis = "…"

// Check tells how what was printed differs from what the session shows, if it
// does.
func (c Command) Check(printed string) error {
	var pattern strings.Builder
	for line := range strings.Lines(c.Output) {
		if line == ellipsis+"\n" {
			pattern.WriteString(`(.*\n)*`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), ellipsis, `.*`))
	}
	matched, err := regexp.MatchString(`\A`+pattern.String()+`\z`, printed)
	if err != nil || !matched {
		return fmt.Errorf("line %d: %s prints\n%sand not, as the document says,\n%s", c.Line, c.Text, printed, c.Output)
	}
	return nil
}
