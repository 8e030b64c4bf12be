package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/fake"
)

func day(n int) time.Time { return time.Date(2017, 3, n, 9, 5, 0, 0, time.Local) }

// listWorld has an image with two names, one that is used, and one without a
// name.
func listWorld(t *testing.T, opts ...fake.Option) (te *testEnv, web, used, lost images.Image) {
	te = newTestEnv(t, opts...)
	web = te.addImage(day(3), nil, "reg.example:5000/team/web:1", "web:Latest")
	used = te.addImage(day(2), map[string]string{"a": "b"}, "tools")
	lost = te.addImage(day(1), map[string]string{"c": "d"})
	te.addContainer("t", "tools", false)
	return te, web, used, lost
}

func TestImagesList(t *testing.T) {
	te, web, used, lost := listWorld(t)
	size := imageSize(web.Size)
	columns := func(id images.Image, at int) string {
		return fmt.Sprintf("%s   2017-03-0%d 09:05   %-12s   docker\n", shortID(id.ID), at, size)
	}
	heading := "  REPOSITORY                TAG      IMAGE ID       CREATED            VIRTUAL SIZE   TYPE\n"
	rows := []string{
		"  reg.example:5000/team/web   1        " + columns(web, 3),
		"  web                         Latest   " + columns(web, 3),
		"> tools                       latest   " + columns(used, 2),
		"* <none>                      <none>   " + columns(lost, 1),
	}
	heading = strings.Replace(heading, "REPOSITORY  ", "REPOSITORY    ", 1)
	one := func(row string) string { return strings.Join(strings.Fields(row), " ") + "\n" }
	te.check(call{args: "images list", stdout: heading + strings.Join(rows, "")})
	te.check(call{args: "images list -q", stdout: shortID(web.ID) + "\n" + shortID(web.ID) + "\n" + shortID(used.ID) + "\n" + shortID(lost.ID) + "\n"})
	for filter, want := range map[string][]string{
		"-f repo=TEAM":                   rows[:1],
		"-a":                             rows,
		"-f repository=e -f tag=latest":  rows[1:2],
		"-f tag=latest":                  rows[1:3],
		"-f tag=LATEST -f repo=web":      rows[1:2],
		"-f is_dangling=true":            rows[3:],
		"-f is_dangling=True":            rows[3:],
		"-f created=2017-03-02":          rows[2:3],
		"-f type=DOCKER -f tag=1":        rows[:1],
		"-f size=" + size[:3]:            rows,
		"-f id=" + used.ID[7:19]:         rows[2:3],
		"-f image=" + shortID(lost.ID):   rows[3:],
		"-f repo=nothing":                nil,
		"-f repo=web -f is_dangling=yes": nil,
	} {
		stdout, stderr, status := te.run(append([]string{"images", "list", "-n"}, strings.Fields(filter)...)...)
		var got, wanted string
		for line := range strings.Lines(stdout) {
			got += one(line)
		}
		for _, row := range want {
			wanted += one(row)
		}
		if got != wanted || stderr != "" || status != 0 {
			t.Errorf("%s: status %d, stderr %q\n%swant\n%s", filter, status, stderr, got, wanted)
		}
	}
	if got := te.mustRun("images", "list", "--no-trunc", "-nq", "-f", "tag=1"); got != web.ID[7:]+"\n" {
		t.Errorf("--no-trunc: %q", got)
	}
}

func TestImagesListFilterNotValid(t *testing.T) {
	te := newTestEnv(t)
	for _, f := range []string{"color=red", "web", "=x"} {
		te.check(call{
			args:   "images list -f " + f,
			stderr: fmt.Sprintf("atomic: the filter %q is not valid: it is COLUMN=TEXT with one of created, id, image, is_dangling, repo, repository, size, tag, type\n", f),
			status: exitFailed,
		})
	}
}

func TestImagesListEmpty(t *testing.T) {
	te := newTestEnv(t)
	te.check(call{args: "images list"})
	te.check(call{args: "images list -q --json"})
	te.check(call{args: "images list --json", stdout: "[]\n"})
	te.check(call{args: "images list --format json", stdout: "[]\n"})
}

func TestImagesListJSON(t *testing.T) {
	te, web, used, lost := listWorld(t, fake.WithKind(images.Podman))
	var got []map[string]any
	if err := json.Unmarshal([]byte(te.mustRun("images", "list", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"repo": "reg.example:5000/team/web", "tag": "1", "is_dangling": false, "used": false, "id": web.ID},
		{"repo": "web", "tag": "Latest", "is_dangling": false, "used": false, "id": web.ID},
		{"repo": "tools", "tag": "latest", "is_dangling": false, "used": true, "id": used.ID},
		{"repo": "<none>", "tag": "<none>", "is_dangling": true, "used": false, "id": lost.ID},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d images", len(got))
	}
	for i, w := range want {
		w["vulnerable"], w["type"], w["vuln_info"], w["backend"] = false, "image", "", "podman"
		w["size"], w["virtual_size"] = float64(web.Size), imageSize(web.Size)
		w["created"] = got[i]["created"]
		if fmt.Sprint(got[i]) != fmt.Sprint(w) {
			t.Errorf("image %d\n got %v\nwant %v", i, got[i], w)
		}
	}
	created, err := time.Parse(time.RFC3339, fmt.Sprint(got[0]["created"]))
	if err != nil || !created.Equal(day(3)) {
		t.Errorf("created %v: %v", got[0]["created"], err)
	}
}

func TestNamesToList(t *testing.T) {
	for _, test := range []struct {
		img      images.Image
		docker   bool // dangling with docker
		podman   bool
		repo     string
		tag      string
		wantName int
	}{
		{images.Image{Names: []string{"reg:5000/a", "b:1"}}, false, false, "reg:5000/a", "", 2},
		{images.Image{Digests: []string{"reg.example/a@sha256:12"}}, true, false, "reg.example/a", "<none>", 1},
		{images.Image{}, true, true, "<none>", "<none>", 1},
	} {
		names := namesToList(test.img)
		repo, tag := splitName(names[0])
		if len(names) != test.wantName || repo != test.repo || tag != test.tag {
			t.Errorf("%v: %q, first %q %q", test.img, names, repo, tag)
		}
		if dangling(images.Docker, test.img) != test.docker || dangling(images.Podman, test.img) != test.podman {
			t.Errorf("%v: dangling is wrong", test.img)
		}
	}
}
