package main

import (
	"strings"
	"testing"
	"time"
)

func TestPrintTable(t *testing.T) {
	for name, test := range map[string]struct {
		heading []string
		rows    [][]string
		want    string
	}{
		"nothing":            {[]string{"A"}, nil, ""},
		"aligned":            {[]string{"A", "LONG"}, [][]string{{"long one", "b"}, {"c", "d"}}, "A          LONG\nlong one   b\nc          d\n"},
		"no heading":         {nil, [][]string{{"a", "b"}}, "a   b\n"},
		"empty cells":        {[]string{"A", "B", "C"}, [][]string{{"", "", "x"}}, "A   B   C\n        x\n"},
		"control characters": {nil, [][]string{{"a\tb\nc\x1b[31m", "d"}}, "a·b·c·[31m   d\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := printTable(&b, test.heading, test.rows); err != nil {
				t.Fatal(err)
			}
			if b.String() != test.want {
				t.Errorf("got\n%swant\n%s", b.String(), test.want)
			}
		})
	}
}

func TestPrintableLines(t *testing.T) {
	if got, want := printableLines("a\tb\n\x1b]0;title\a\r ü\u009b31m"), "a\tb\n·]0;title·· ü·31m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64][2]string{
		0:                  {"0.00 B", "0 B"},
		999:                {"999.00 B", "999 B"},
		1000:               {"1.00 KB", "1 KB"},
		1_990_000:          {"1.99 MB", "2 MB"},
		12_345_678:         {"12.35 MB", "12.3 MB"},
		7_000_000_000:      {"7.00 GB", "7 GB"},
		3_210_000_000_000:  {"3.21 TB", "3.2 TB"},
		4e18:               {"4000.00 PB", "4000 PB"},
		10_000_000_000_000: {"10.00 TB", "10 TB"},
	} {
		if got := [2]string{imageSize(n), roughSize(n)}; got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestListTime(t *testing.T) {
	if got := listTime(time.Date(2017, 3, 1, 9, 5, 59, 0, time.Local)); got != "2017-03-01 09:05" {
		t.Errorf("got %q", got)
	}
	if got := listTime(time.Time{}); got != "" {
		t.Errorf("no time: got %q", got)
	}
}

func TestPrintJSON(t *testing.T) {
	var b strings.Builder
	if err := printJSON(&b, map[string]any{"list": []string{}, "text": "<&>"}); err != nil {
		t.Fatal(err)
	}
	if want := "{\n    \"list\": [],\n    \"text\": \"<&>\"\n}\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestUsage has what is wrong with a command line before any engine is asked.
func TestUsage(t *testing.T) {
	te := newTestEnv(t)
	te.engine.Die()
	for args, problem := range map[string]string{
		"info":                             "atomic info: too few arguments",
		"info a b":                         "atomic info: unexpected argument b",
		"info --format yaml a":             `atomic info: unknown format "yaml": it is text or json`,
		"info --remote a":                  "atomic info: --remote is not offered: inspect images in a registry with skopeo inspect docker://IMAGE",
		"images info":                      "atomic images info: too few arguments",
		"images":                           "atomic images: too few arguments",
		"images version":                   "atomic images version: too few arguments",
		"version a b":                      "atomic version: unexpected argument b",
		"version --format=x":               `atomic version: unknown format "x": it is text or json`,
		"pull":                             "atomic pull: too few arguments",
		"pull a b":                         "atomic pull: unexpected argument b",
		"images list a":                    "atomic images list: unexpected argument a",
		"images list --format table":       `atomic images list: unknown format "table": it is text or json`,
		"images tag a":                     "atomic images tag: too few arguments",
		"images prune a":                   "atomic images prune: unexpected argument a",
		"images delete":                    "atomic images delete: too few arguments: give names, or --all",
		"images delete -a x":               "atomic images delete: --all and names exclude each other",
		"images delete --remote x":         "atomic images delete: --remote is not offered: delete images in a registry with skopeo delete docker://IMAGE",
		"containers":                       "atomic containers: too few arguments",
		"containers delete":                "atomic containers delete: too few arguments: give names, or --all",
		"containers delete -f x --all":     "atomic containers delete: --all and names exclude each other",
		"containers list --format text2":   `atomic containers list: unknown format "text2": it is text or json`,
		"containers list --no-such-option": "atomic containers list: flag provided but not defined: -no-such-option",
	} {
		stdout, stderr, status := te.run(strings.Fields(args)...)
		if !strings.HasPrefix(stderr, problem+"\n  Try 'atomic") || stdout != "" {
			t.Errorf("%s: stdout %q, stderr %q, want %q", args, stdout, stderr, problem)
		}
		if status != exitUsage {
			t.Errorf("%s: status %d", args, status)
		}
	}
}

// TestUnreachable has the same answer of every command to a dead engine.
func TestUnreachable(t *testing.T) {
	te := newTestEnv(t)
	te.engine.Die()
	for _, args := range []string{
		"info a", "images list", "images list -q", "images delete -a", "images prune", "images tag a b",
		"version a", "containers list -a", "containers delete -a", "pull a",
	} {
		stdout, stderr, status := te.run(append([]string{"-y"}, strings.Fields(args)...)...)
		if stdout != "" || !strings.Contains(stderr, "engine unreachable") || status != exitUnreachable {
			t.Errorf("%s: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

func TestStorage(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(time.Time{}, nil, "web")
	te.mustRun("info", "--storage", "docker", "web")
	_, stderr, status := te.run("info", "--storage=ostree", "web")
	if status != exitFailed || !strings.Contains(stderr, `no storage "ostree"`) {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}
