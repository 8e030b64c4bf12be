package main

import (
	"encoding/json"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/fake"
)

func TestVersion(t *testing.T) {
	te := newTestEnv(t)
	own := "atomic " + versionString() + "\n"
	te.check(call{args: "version", stdout: own + "docker 20.10.24 (API 1.41)\n"})
	var got struct {
		Version string
		Engine  *images.Info
	}
	read := func() {
		t.Helper()
		got.Engine = nil
		if err := json.Unmarshal([]byte(te.mustRun("version", "--json")), &got); err != nil {
			t.Fatal(err)
		}
		if got.Version != versionString() {
			t.Errorf("version %q", got.Version)
		}
	}
	read()
	if got.Engine == nil || got.Engine.Kind != images.Docker || got.Engine.Version != "20.10.24" {
		t.Errorf("engine %+v", got.Engine)
	}
	te.engine.Die()
	te.check(call{args: "version", stdout: own})
	if read(); got.Engine != nil {
		t.Errorf("engine %+v", got.Engine)
	}
}

// TestVersionWithoutEngine is with a configuration and an engine that nothing
// can be done with.
func TestVersionWithoutEngine(t *testing.T) {
	te := newTestEnv(t)
	te.check(call{args: "--engine nonsense version", stdout: "atomic " + versionString() + "\n"})
	te.environ["ATOMIC_CONF"] = te.dir // a directory
	te.check(call{args: "version", stdout: "atomic " + versionString() + "\n"})
}

func TestVersionOfImage(t *testing.T) {
	te := newTestEnv(t, fake.WithKind(images.Podman))
	full := te.addImage(day(1), map[string]string{"Version": "7.3", "release": "9"}, "web:1", "web:2")
	half := te.addImage(day(1), map[string]string{"VERSION": "8"}, "half")
	none := te.addImage(day(1), map[string]string{"Release": "9", "Version": ""}, "none")
	lost := te.addImage(day(1), map[string]string{"n": "1"})
	rows := func(want ...string) string {
		var out string
		for _, w := range want {
			out += w + "\n"
		}
		return out
	}
	for _, group := range []string{"", "images "} {
		te.check(call{args: group + "version web:2", stdout: rows(
			"IMAGE NAME     VERSION   IMAGE ID",
			"web:1          7.3-9     "+shortID(full.ID),
			"  Tag: web:2             ",
		)})
		te.check(call{args: group + "version -r half", stdout: rows(
			"IMAGE NAME    VERSION   IMAGE ID",
			"half:latest   8         "+shortID(half.ID),
		)})
		te.check(call{args: group + "version none --json", stdout: `{
    "id": "` + none.ID + `",
    "name": "none",
    "names": [
        "none:latest"
    ],
    "version": "` + none.ID + `"
}
`})
	}
	short := shortID(lost.ID)
	if got, want := squeezed(te.mustRun("version", short)), "IMAGE NAME VERSION IMAGE ID "+short+" "+lost.ID+" "+short; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	te.check(call{
		args:   "version nothere",
		stderr: "atomic: inspecting image \"nothere\": not found\n  get it with atomic pull nothere, or see what is there with atomic images list\n",
		status: exitNotFound,
	})
}
