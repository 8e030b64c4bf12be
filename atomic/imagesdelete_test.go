package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/fake"
)

const aborted = "The delete operation is aborted\n"

// left are the names and the short IDs of nameless images that are there.
func (te *testEnv) left() string {
	te.t.Helper()
	all, err := te.engine.Client().Images(te.t.Context())
	if err != nil {
		te.t.Fatal(err)
	}
	var names []string
	for _, img := range all {
		if len(img.Names) == 0 {
			names = append(names, "<none>")
		}
		names = append(names, img.Names...)
	}
	return strings.Join(names, " ")
}

func TestImagesDeleteAsks(t *testing.T) {
	for answer, want := range map[string]struct {
		stderr string
		left   string
		status int
	}{
		"y\n":    {"\n", "", 0},
		"YES\n":  {"\n", "", 0},
		"y":      {"\n", "", 0},
		"n\n":    {"\n" + aborted, "web:1", 2},
		"\n":     {"\n" + aborted, "web:1", 2},
		"yeah\n": {"\n" + aborted, "web:1", 2},
		"": {
			"\natomic: there is nobody to confirm: standard input has ended; answer yes beforehand with atomic --assumeyes\n" +
				"  Try 'atomic --help' for more information.\n", "web:1", 2,
		},
	} {
		t.Run(answer, func(t *testing.T) {
			te := newTestEnv(t)
			te.addImage(day(1), nil, "web:1")
			te.stdin = strings.NewReader(answer)
			te.check(call{
				args:   "images delete web:1",
				stderr: "Do you wish to delete the following?\nIMAGE   STORAGE\nweb:1   docker\nConfirm (y/N) " + want.stderr,
				status: want.status,
			})
			if got := te.left(); got != want.left {
				t.Errorf("left: %s", got)
			}
		})
	}
}

func TestImagesDelete(t *testing.T) {
	for name, test := range map[string]struct {
		args   string
		stderr string // has this in it
		left   string
		status int
	}{
		"one of two names":  {"two:b", "", "one:latest two:a", 0},
		"several":           {"two:b one", "", "two:a", 0},
		"twice the same":    {"one one", "", "two:a two:b", 0},
		"all":               {"-a", "", "", 0},
		"missing and there": {"none:1 one", `inspecting image "none:1": not found`, "two:a two:b", exitNotFound},
		"only missing":      {"none:1", `inspecting image "none:1": not found`, "one:latest two:a two:b", exitNotFound},
		"ID of two names":   {"ID", "atomic images delete --force ", "one:latest two:a two:b", exitFailed},
		"ID with force":     {"--force ID", "", "one:latest", 0},
	} {
		t.Run(name, func(t *testing.T) {
			te := newTestEnv(t)
			te.addImage(day(1), map[string]string{"n": "1"}, "one")
			two := te.addImage(day(1), map[string]string{"n": "2"}, "two:a", "two:b")
			args := strings.ReplaceAll(test.args, "ID", shortID(two.ID))
			stdout, stderr, status := te.run(append([]string{"--assumeyes", "images", "delete"}, strings.Fields(args)...)...)
			left := strings.Fields(te.left())
			for _, n := range strings.Fields(test.left) {
				if !strings.Contains(strings.Join(left, " "), n) {
					t.Errorf("%s is gone", n)
				}
			}
			if len(left) != len(strings.Fields(test.left)) || status != test.status || stdout != "" ||
				!strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
				t.Errorf("status %d, stdout %q, left %q, stderr %q", status, stdout, left, stderr)
			}
		})
	}
}

func TestImagesDeleteInUse(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(day(1), map[string]string{"n": "1"}, "one")
	te.addImage(day(1), map[string]string{"n": "2"}, "two")
	te.addContainer("c", "one", false)
	_, stderr, status := te.run("-y", "images", "delete", "one", "two")
	if status != exitFailed || !strings.Contains(stderr, "atomic containers delete, or try atomic images delete --force one") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	if got := te.left(); got != "one:latest" {
		t.Errorf("left: %s", got)
	}
}

func TestImagesDeleteTable(t *testing.T) {
	te := newTestEnv(t, fake.WithKind(images.Podman))
	web := te.addImage(day(1), nil, "web:1", "web:2")
	lost := te.addImage(day(1), map[string]string{"n": "2"})
	te.stdin = strings.NewReader("n\n")
	short := shortID(web.ID)
	te.check(call{
		args: "images delete web:2 " + short + " " + lost.ID,
		stderr: "Do you wish to delete the following?\n" +
			"IMAGE                         STORAGE\nweb:2                         podman\n" +
			short + " (web:1, web:2)   podman\n" + shortID(lost.ID) + "                  podman\n" +
			"Confirm (y/N) \n" + aborted,
		status: 2,
	})
}

func TestImagesPrune(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(day(1), nil, "web")
	lost := te.addImage(day(1), map[string]string{"n": "1"})
	used := te.addImage(day(1), map[string]string{"n": "2"})
	te.addContainer("c", used.ID, false)
	te.check(call{
		args:   "images prune",
		stdout: "Removed dangling image " + shortID(lost.ID) + "\n",
		stderr: "Keeping dangling image " + shortID(used.ID) + ", which container c uses\n",
	})
	te.check(call{args: "images prune", stderr: "Keeping dangling image " + shortID(used.ID) + ", which container c uses\n"})
	if _, err := te.engine.Container(t.Context(), "c"); err != nil {
		t.Error(err)
	}
}

func TestImagesPruneFailure(t *testing.T) {
	te := newTestEnv(t)
	for _, n := range []string{"1", "2", "3"} {
		te.addImage(day(1), map[string]string{"n": n})
	}
	te.engine.Fail("RemoveImage", 2, errors.New("disk on fire"))
	stdout, stderr, status := te.run("images", "prune")
	if status != exitFailed || strings.Count(stdout, "Removed") != 2 || !strings.Contains(stderr, "disk on fire") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if te.left() != "<none>" {
		t.Errorf("left: %s", te.left())
	}
}

func TestImagesTag(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(day(1), nil, "web")
	te.check(call{args: "images tag web reg.example/web:2"})
	if te.left() != "reg.example/web:2 web:latest" {
		t.Errorf("left: %s", te.left())
	}
	te.check(call{
		args:   "images tag none x",
		stderr: "atomic: tagging image \"none\" as \"x\": not found\n  get it with atomic pull none, or see what is there with atomic images list\n",
		status: exitNotFound,
	})
}

func TestSplitName(t *testing.T) {
	for name, want := range map[string][2]string{
		"web":                     {"web", ""},
		"web:1":                   {"web", "1"},
		"reg.example:5000/web":    {"reg.example:5000/web", ""},
		"reg.example:5000/web:v2": {"reg.example:5000/web", "v2"},
		"<none>:<none>":           {"<none>", "<none>"},
	} {
		if repository, tag := splitName(name); [2]string{repository, tag} != want {
			t.Errorf("%s: %q %q", name, repository, tag)
		}
	}
}
