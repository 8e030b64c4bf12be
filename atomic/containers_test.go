package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/fake"
)

// containersWorld has a container that runs and one that was only made, the
// newer one.
func containersWorld(t *testing.T, opts ...fake.Option) (te *testEnv, running, made images.Container) {
	te = newTestEnv(t, opts...)
	te.addImage(day(1), nil, "reg.example/team/a-long-name:1")
	running = te.addContainer("running", "reg.example/team/a-long-name:1", true)
	made = te.addContainer("with-a-long-name", "reg.example/team/a-long-name:1", false)
	return te, running, made
}

func TestContainersList(t *testing.T) {
	te, running, made := containersWorld(t)
	row := func(c images.Container) string {
		return fmt.Sprintf("  %s   reg.example/team/a-l   %s   sleep 1000   %s   %s   docker   docker\n", shortID(c.ID), c.Name, listTime(c.Created), c.State)
	}
	for args, want := range map[string]string{
		"":                                       row(running),
		"--all":                                  row(made) + row(running),
		"-a -f state=RUN":                        row(running),
		"-a -f state=created -f image=NAME:1":    row(made),
		"-f name=with":                           "",
		"-a -f name=with":                        row(made),
		"-a -f command=sleep -f runtime=dock":    row(made) + row(running),
		"-a -f backend=podman":                   "",
		"-a -f container=" + running.ID:          row(running),
		"-a -f created=" + listTime(day(1))[:10]: "",
	} {
		got := te.mustRun(append([]string{"containers", "list", "-n"}, strings.Fields(args)...)...)
		// Columns are as wide as what is listed.
		if squeezed(got) != squeezed(inOrderOf(got, want)) {
			t.Errorf("%s:\n%swant\n%s", args, got, want)
		}
	}
	if got, want := te.mustRun("containers", "list", "-q"), shortID(running.ID)+"\n"; got != want {
		t.Errorf("-q: %q, want %q", got, want)
	}
	got := te.mustRun("containers", "list", "--no-trunc")
	heading, line, _ := strings.Cut(got, "\n")
	if squeezed(heading) != "CONTAINER ID IMAGE NAME COMMAND CREATED STATE BACKEND RUNTIME" ||
		!strings.HasPrefix(line, "  "+running.ID+"   reg.example/team/a-long-name:1   running   sleep 1000   ") {
		t.Errorf("--no-trunc:\n%s", got)
	}
}

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// inOrderOf gives the two rows wanted in the order got, where they were made
// in the same instant.
func inOrderOf(got, want string) string {
	lines := strings.SplitAfter(want, "\n")
	if len(lines) == 3 && !strings.HasPrefix(squeezed(got), squeezed(lines[0])) {
		return lines[1] + lines[0]
	}
	return want
}

func TestContainersListOthers(t *testing.T) {
	te := newTestEnv(t)
	te.check(call{args: "containers list"})
	te.check(call{args: "containers list --json", stdout: "[]\n"})
	te.check(call{
		args:   "containers list -f pid=1",
		stderr: "atomic: the filter \"pid=1\" is not valid: it is COLUMN=TEXT with one of backend, command, container, created, image, name, runtime, state\n",
		status: exitFailed,
	})
}

func TestContainersListJSON(t *testing.T) {
	te, running, _ := containersWorld(t, fake.WithKind(images.Podman))
	var got []map[string]any
	if err := json.Unmarshal([]byte(te.mustRun("containers", "list", "--format", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	want := map[string]any{
		"id": running.ID, "image_id": running.ImageID, "image_name": running.ImageName, "name": "running",
		"command": "sleep 1000", "created": got[0]["created"], "state": "running", "backend": "podman",
		"runtime": "podman", "vulnerable": false, "running": true,
	}
	if fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("\n got %v\nwant %v", got[0], want)
	}
}

func TestContainersDelete(t *testing.T) {
	for name, test := range map[string]struct {
		args   string
		stderr string // has this in it
		left   string
		status int
	}{
		"one":              {"with-a-long-name", "", "running", 0},
		"by ID and name":   {"ID with-a-long-name", "", "running", 0},
		"running":          {"running", "atomic stop running, or remove it as it is with atomic containers delete --force running", "running with-a-long-name", exitFailed},
		"running, forced":  {"-f running", "", "with-a-long-name", 0},
		"all":              {"-a", "atomic stop running", "running", exitFailed},
		"all, forced":      {"-af", "", "", 0},
		"missing one":      {"none with-a-long-name", `container "none": not found`, "running", exitNotFound},
		"only missing":     {"none", "see what is there with atomic containers list --all", "running with-a-long-name", exitNotFound},
		"the others still": {"running with-a-long-name", "running", "running", exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			te, _, made := containersWorld(t)
			args := strings.ReplaceAll(test.args, "ID", made.ID)
			stdout, stderr, status := te.run(append([]string{"-y", "containers", "delete"}, strings.Fields(args)...)...)
			var left []string
			all, err := te.engine.Containers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				left = append(left, c.Name)
			}
			if strings.Join(left, " ") != test.left || status != test.status || stdout != "" ||
				!strings.Contains(stderr, test.stderr) || test.stderr == "" && stderr != "" {
				t.Errorf("status %d, left %q, stdout %q, stderr %q", status, left, stdout, stderr)
			}
		})
	}
}

func TestContainersDeleteAsks(t *testing.T) {
	te, _, made := containersWorld(t)
	te.stdin = strings.NewReader("N\n")
	te.check(call{
		args: "containers delete with-a-long-name",
		stderr: "Do you wish to delete the following?\n" +
			"CONTAINER ID   NAME               IMAGE_NAME                       STORAGE\n" +
			shortID(made.ID) + "   with-a-long-name   reg.example/team/a-long-name:1   docker\n" +
			"Confirm (y/N) \n" + aborted,
		status: 2,
	})
	if _, err := te.engine.Container(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
}

func TestContainersDeleteNothing(t *testing.T) {
	te := newTestEnv(t)
	te.check(call{args: "containers delete --all"})
	te.check(call{args: "images delete --all"})
}
