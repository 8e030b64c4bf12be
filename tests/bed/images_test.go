package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/tests/bed/recipe"
)

const recipesDir = "../images"

func TestParseImages(t *testing.T) {
	got, err := parseImages([]string{"--docker", "unix:///d", "rhel7/sadc", "rsyslog", "--podman", "unix:///p"})
	want := imageOptions{docker: "unix:///d", podman: "unix:///p", names: []string{"sadc", "rsyslog"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, args := range [][]string{{"--docker"}, {"--engine", "x"}} {
		if _, err := parseImages(args); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestReadSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readSources(dir); err == nil {
		t.Error("no error without sources")
	}
	write("sources.list", "# old\ndeb cdrom:[Debian]/ stable main\n")
	write("sources.list.d/a.sources", "Types: deb\nURIs: http://mirror.test/debian\n")
	write("sources.list.d/b.list.disabled", "deb http://other.test x y\n")
	write("sources.list.d/c.list", "deb http://third.test x y\ndeb cdrom:[x]/ y z\n")
	got, err := readSources(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []source{
		{"c.list", []byte("deb http://third.test x y\n")},
		{"a.sources", []byte("Types: deb\nURIs: http://mirror.test/debian\n")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestRecipes reads the real ones, without making them.
func TestRecipes(t *testing.T) {
	names, err := recipes(recipesDir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"rhel-tools", "rsyslog", "sadc"}; !reflect.DeepEqual(names, want) {
		t.Errorf("recipes %q, want %q", names, want)
	}
	for _, name := range names {
		f, err := os.Open(filepath.Join(recipesDir, name, "Containerfile"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := recipe.Read(f)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for label, want := range commandLines[name] {
			if got := substituted(c.Labels[label], name); got != want {
				t.Errorf("%s: %s gives\n%s\nwant\n%s", name, label, got, want)
			}
		}
	}
}

// substituted does for these labels what package labels does for all: it would
// be no test of them if that package did it.
func substituted(label, name string) string {
	words := strings.Fields(label)
	for i, word := range words {
		switch {
		case word == "IMAGE" || strings.HasSuffix(word, "=IMAGE"):
			words[i] = strings.TrimSuffix(word, "IMAGE") + "rhel7/" + name
		case word == "NAME" || strings.HasSuffix(word, "=NAME"):
			words[i] = strings.TrimSuffix(word, "NAME") + name
		}
	}
	return strings.Join(words, " ")
}

// commandLines are what the documents of the product promise.
var commandLines = map[string]map[string]string{
	"rhel-tools": {
		"RUN": "docker run -it --name rhel-tools --privileged --ipc=host --net=host --pid=host -e HOST=/host " +
			"-e NAME=rhel-tools -e IMAGE=rhel7/rhel-tools -v /run:/run -v /var/log:/var/log " +
			"-v /etc/localtime:/etc/localtime -v /:/host rhel7/rhel-tools",
	},
	"rsyslog": {
		"INSTALL": "docker run --rm --privileged -v /:/host -e HOST=/host -e IMAGE=rhel7/rsyslog -e NAME=rsyslog " +
			"rhel7/rsyslog /bin/install.sh",
		"RUN": "docker run -d --privileged --name rsyslog --net=host -v /etc/pki/rsyslog:/etc/pki/rsyslog " +
			"-v /etc/rsyslog.conf:/etc/rsyslog.conf -v /etc/rsyslog.d:/etc/rsyslog.d -v /var/log:/var/log " +
			"-v /var/lib/rsyslog:/var/lib/rsyslog -v /run/log:/run/log -v /etc/machine-id:/etc/machine-id " +
			"-v /etc/localtime:/etc/localtime -e IMAGE=rhel7/rsyslog -e NAME=rsyslog --restart=always " +
			"rhel7/rsyslog /bin/rsyslog.sh",
	},
	"sadc": {
		"INSTALL": "docker run --rm --privileged --name sadc -v /:/host -e HOST=/host -e IMAGE=rhel7/sadc -e NAME=name " +
			"rhel7/sadc /usr/local/bin/sysstat-install.sh",
		"RUN": "docker run -d --privileged --name sadc -v /etc/sysconfig/sysstat:/etc/sysconfig/sysstat " +
			"-v /etc/sysconfig/sysstat.ioconf:/etc/sysconfig/sysstat.ioconf -v /var/log/sa:/var/log/sa -v /:/host " +
			"-e HOST=/host -e IMAGE=rhel7/sadc -e NAME=sadc --net=host --restart=always " +
			"rhel7/sadc /usr/local/bin/sysstat.sh",
	},
}

// A debian is a mmdebstrap that makes the same small archive every time.
type debian struct{ calls [][]string }

func (d *debian) run(cmd *exec.Cmd) error {
	d.calls = append(d.calls, cmd.Args)
	for _, arg := range cmd.Args {
		if strings.HasSuffix(arg, "/rootfs.tar") {
			return exec.Command("tar", "-cf", arg, "-C", recipesDir, "sadc/host").Run()
		}
	}
	return errors.New("no archive asked for")
}

func TestImagesAreMadeOnce(t *testing.T) {
	if _, err := lookPath("mmdebstrap"); err != nil {
		t.Setenv("PATH", fakeProgram(t, "mmdebstrap")+":"+os.Getenv("PATH"))
	}
	d := &debian{}
	b := &builder{
		dir: recipesDir, cache: t.TempDir(), release: "somerelease",
		sources: []source{{"x.list", []byte("deb http://mirror.test somerelease main\n")}}, run: d.run,
	}
	var ids []string
	for range 2 {
		rootfs, err := b.rootfs(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		img, err := b.image("rsyslog", rootfs)
		if err != nil {
			t.Fatal(err)
		}
		if img.name != "rhel7/rsyslog:latest" || !strings.HasPrefix(img.id, "sha256:") {
			t.Errorf("made %+v", img)
		}
		ids = append(ids, img.id)
		checkArchive(t, img.archive)
	}
	if ids[0] != ids[1] || len(d.calls) != 1 {
		t.Errorf("images %q after %d root file systems", ids, len(d.calls))
	}
	args := strings.Join(d.calls[0], " ")
	if !strings.Contains(args, ",rsyslog,sosreport,strace,sysstat,") || !strings.Contains(args, " somerelease ") {
		t.Errorf("called %s", args)
	}

	b.sources[0].text = []byte("deb http://other.test somerelease main\n")
	if _, err := b.rootfs(context.Background()); err != nil || len(d.calls) != 2 {
		t.Errorf("another mirror: %v after %d calls", err, len(d.calls))
	}
}

func fakeProgram(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func checkArchive(t *testing.T, file string) {
	t.Helper()
	text, err := exec.Command("tar", "-xOf", file, "manifest.json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var manifest []struct{ RepoTags, Layers []string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest) != 1 || len(manifest[0].Layers) != 2 || !reflect.DeepEqual(manifest[0].RepoTags, []string{"rhel7/rsyslog:latest"}) {
		t.Errorf("manifest %s", text)
	}
}
