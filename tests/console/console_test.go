package console

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSessions(t *testing.T) {
	document := "text\n```console\n$ one\n```\n```go\n$ no\n```\n$ no\n```console\n$ two a\nout\n\n$ three\n…\n```\n"
	want := [][]Command{
		{{Line: 3, Text: "one"}},
		{{Line: 10, Text: "two a", Output: "out\n\n"}, {Line: 13, Text: "three", Output: "…\n"}},
	}
	if diff := cmp.Diff(want, Sessions(document)); diff != "" {
		t.Error(diff)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		output, printed string
		want            bool
	}{
		{"", "", true},
		{"", "x\n", false},
		{"a.b\n", "a.b\n", true},
		{"a.b\n", "axb\n", false},
		{"a\n", "a\nb\n", false},
		{"a …\n", "a long line\n", true},
		{"a …\n", "a long line\nb\n", false},
		{"a … c\nd\n", "a b c\nd\n", true},
		{"…\nc\n", "a\nb\nc\n", true},
		{"…\n", "", true},
		{"a\n…\nc\n", "a\nb\n", false},
	} {
		err := Command{Line: 7, Text: "prog", Output: tt.output}.Check(tt.printed)
		if (err == nil) != tt.want {
			t.Errorf("%q against %q: %v", tt.printed, tt.output, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "line 7: prog prints\n") {
			t.Errorf("the error says %q", err)
		}
	}
}
