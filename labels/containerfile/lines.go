package containerfile

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// An instruction is one command with its continuation lines put together.
type instruction struct {
	name string // in upper case
	rest string
	line int // where it begins, counted from 1
}

var (
	escapeDirective = regexp.MustCompile("(?i)^#[ \t]*escape[ \t]*=[ \t]*([\\\\`])[ \t]*$")
	anyDirective    = regexp.MustCompile(`^#[ \t]*[a-zA-Z][a-zA-Z0-9]*[ \t]*=`)
	heredocStart    = regexp.MustCompile(`<<(-?)(["']?)([a-zA-Z_][a-zA-Z0-9_.]*)(["']?)`)
)

// maxLine bounds one line of a file.
const maxLine = 1 << 20

// instructions takes a file apart. Comments and blank lines count as nothing,
// also between continuation lines.
func instructions(r io.Reader) ([]instruction, rune, error) {
	s := scanner{escape: '\\', directives: true}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		s.number++
		s.line(strings.TrimPrefix(strings.TrimSuffix(lines.Text(), "\r"), "\ufeff"))
	}
	if err := lines.Err(); err != nil {
		return nil, s.escape, fmt.Errorf("line %d: %w", s.number+1, err)
	}
	if s.heredoc != "" {
		return nil, s.escape, fmt.Errorf("line %d: the here-document has no end %s", s.current.line, s.heredoc)
	}
	s.end()
	if len(s.found) == 0 {
		return nil, s.escape, fmt.Errorf("there is no instruction in it")
	}
	return s.found, s.escape, nil
}

type scanner struct {
	escape     rune
	directives bool // only comments with directives have come so far
	number     int
	heredoc    string // the word that ends the one being skipped
	stripTabs  bool
	text       strings.Builder
	current    instruction
	open       bool // an instruction waits for its continuation
	found      []instruction
}

func (s *scanner) line(line string) {
	if s.heredoc != "" {
		if s.stripTabs {
			line = strings.TrimLeft(line, "\t")
		}
		if line == s.heredoc {
			s.heredoc = ""
		}
		return
	}
	trimmed := strings.TrimLeft(line, " \t")
	if strings.HasPrefix(trimmed, "#") {
		s.comment(trimmed)
		return
	}
	s.directives = false
	if trimmed == "" {
		return
	}
	if !s.open {
		s.open, s.current, line = true, instruction{line: s.number}, trimmed
	}
	if before, continued := s.continued(line); continued {
		s.text.WriteString(before)
		return
	}
	s.text.WriteString(line)
	s.end()
}

func (s *scanner) comment(line string) {
	if !s.directives {
		return
	}
	if m := escapeDirective.FindStringSubmatch(line); m != nil {
		s.escape = rune(m[1][0])
	}
	s.directives = anyDirective.MatchString(line)
}

// continued tells whether the instruction goes on in the next line.
func (s *scanner) continued(line string) (string, bool) {
	trimmed := strings.TrimRight(line, " \t")
	return strings.CutSuffix(trimmed, string(s.escape))
}

// end finishes the instruction that is open.
func (s *scanner) end() {
	if !s.open {
		return
	}
	name, rest := s.text.String(), ""
	if i := strings.IndexAny(name, " \t"); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	s.text.Reset()
	s.open = false
	s.current.name, s.current.rest = strings.ToUpper(name), strings.TrimSpace(rest)
	s.found = append(s.found, s.current)
	if s.current.name == "RUN" || s.current.name == "COPY" || s.current.name == "ADD" {
		if m := heredocStart.FindStringSubmatch(rest); m != nil && m[2] == m[4] {
			s.stripTabs, s.heredoc = m[1] == "-", m[3]
		}
	}
}

// words takes a line apart at blanks outside quotes; quotes and escapes stay.
func words(line string, escape rune) []string {
	var list []string
	var word strings.Builder
	quote, escaped := rune(0), false
	for _, r := range line {
		switch {
		case escaped:
			escaped = false
		case r == escape && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && (r == ' ' || r == '\t'):
			if word.Len() > 0 {
				list = append(list, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteRune(r)
	}
	if word.Len() > 0 {
		list = append(list, word.String())
	}
	return list
}
