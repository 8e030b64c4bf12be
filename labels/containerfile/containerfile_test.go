package containerfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	const text = `# syntax=docker/dockerfile:1
ARG TAG=12
ARG WHO=world
FROM debian:$TAG AS base
LABEL INHERITED=yes STOP="docker stop NAME"
ENV DIR=/srv

FROM scratch as other
LABEL LOST=1

FROM base
ARG WHO
ARG GIVEN=default
LABEL RUN="docker run -it \
  --name NAME -v $DIR:/data \
  IMAGE" \
      INSTALL='docker run -e A=$NAME IMAGE'
LABEL old style value
LABEL EMPTY="docker run -e A=$NAME IMAGE" KEPT="docker run -e A=\$NAME -e B=\${WHO} IMAGE" WHO=$WHO GIVEN=$GIVEN
`
	got, err := Read(strings.NewReader(text), map[string]string{"GIVEN": "given"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Label{
		{Name: "INHERITED", Value: "yes", Line: 5},
		{Name: "STOP", Value: "docker stop NAME", Line: 5},
		{Name: "INSTALL", Value: "docker run -e A=$NAME IMAGE", Line: 14},
		{Name: "RUN", Value: "docker run -it   --name NAME -v /srv:/data   IMAGE", Line: 14},
		{Name: "old", Value: "style value", Line: 18},
		{Name: "EMPTY", Value: "docker run -e A= IMAGE", Line: 19, Emptied: []string{"NAME"}},
		{Name: "GIVEN", Value: "given", Line: 19},
		{Name: "KEPT", Value: "docker run -e A=$NAME -e B=${WHO} IMAGE", Line: 19},
		{Name: "WHO", Value: "world", Line: 19},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]Label{
		"# escape=`\nFROM a\nLABEL A=\"x `\n  y\"":                 {Name: "A", Value: "x   y", Line: 3},
		"FROM a\n# c\nLABEL A=1 \\\n# comment\n\n  B=2":            {Name: "B", Value: "2", Line: 3},
		"FROM a\nRUN <<EOF cat\nLABEL A=no\nEOF\nlabel A=yes":      {Name: "A", Value: "yes", Line: 5},
		"FROM a\nRUN <<-'E'\n\tLABEL A=no\n\tE\nLABEL A=yes":       {Name: "A", Value: "yes", Line: 5},
		"FROM --platform=linux/amd64 a\nLABEL A='b c'\tB=\"d\te\"": {Name: "B", Value: "d\te", Line: 2},
		"\ufeffFROM a\r\nLABEL A=b\\ c\r\n":                        {Name: "A", Value: "b c", Line: 2},
	} {
		got, err := Read(strings.NewReader(text), nil)
		if err != nil || len(got) == 0 || got[len(got)-1].Name != want.Name || got[len(got)-1].Value != want.Value || got[len(got)-1].Line != want.Line {
			t.Errorf("%q gives %+v and %v, want %+v", text, got, err, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{"", "FROM a\nLABEL x", "FROM a\nLABEL x=${y", "FROM a\nLABEL x=\"${y:^z}\"", "FROM", "FROM a\nRUN <<E\nx", "FROM a\nLABEL", "FROM a\nLABEL a=b c"} {
		if labels, err := Read(strings.NewReader(text), nil); err == nil {
			t.Errorf("%q gives %v, want an error", text, labels)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("FROM a AS b\nENV X=1\nLABEL RUN=\"docker run $X \\\n IMAGE\" b='c'\nFROM b\nARG A=1")
	f.Fuzz(func(t *testing.T, text string) {
		labels, err := Read(strings.NewReader(text), nil)
		lines := strings.Count(text, "\n") + 1
		for _, l := range labels {
			if err != nil || l.Line < 1 || l.Line > lines {
				t.Fatalf("%q gives %+v and %v", text, l, err)
			}
		}
	})
}
