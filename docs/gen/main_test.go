package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	source, output := t.TempDir(), filepath.Join(t.TempDir(), "man")
	page := "% \"THING\" \"5\" \"\" \"atomic\" \"Files\"\n\n# NAME\n\nthing - a file\n\n<!-- a remark -->\n\n# OPTIONS\n\n**--all**\n: all of it\n"
	for name, text := range map[string]string{"thing.5.md": page, "guide.md": "# no page\n"} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := generate(source, output); err != nil {
		t.Fatal(err)
	}
	roff, err := os.ReadFile(filepath.Join(output, "man5", "thing.5"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`.TH "THING" "5"`, ".SH NAME", `thing \- a file`, ".TP", `\fB--all\fP`} {
		if !strings.Contains(string(roff), want) {
			t.Errorf("no %q in\n%s", want, roff)
		}
	}
	if strings.Contains(string(roff), "remark") {
		t.Errorf("a comment got into the page:\n%s", roff)
	}
	if entries, err := os.ReadDir(output); len(entries) != 1 || err != nil {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestGenerateNothing(t *testing.T) {
	if err := generate(t.TempDir(), t.TempDir()); err == nil {
		t.Error("no pages, and no error")
	}
}
