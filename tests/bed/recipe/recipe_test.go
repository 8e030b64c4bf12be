package recipe

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const sample = `# A sample.
FROM scratch
ADD rootfs.tar /
COPY install.sh other.sh /bin/
COPY conf /etc/new/name.conf
ENV A=1 B="two words"
LABEL RUN="docker run --name NAME -e X=\$OPT1 IMAGE" name=x
ENTRYPOINT ["/bin/sh", "-e"]
CMD echo hello
`

func TestRead(t *testing.T) {
	got, err := Read(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := Containerfile{
		Rootfs: "rootfs.tar",
		Copies: []Copy{
			{Sources: []string{"install.sh", "other.sh"}, Target: "/bin/"},
			{Sources: []string{"conf"}, Target: "/etc/new/name.conf"},
		},
		Labels:     map[string]string{"RUN": "docker run --name NAME -e X=$OPT1 IMAGE", "name": "x"},
		Env:        []string{"A=1", "B=two words"},
		Cmd:        []string{"/bin/sh", "-c", "echo hello"},
		Entrypoint: []string{"/bin/sh", "-e"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadRefuses(t *testing.T) {
	const start = "FROM scratch\nADD rootfs.tar /\n"
	for text, reason := range map[string]string{
		"FROM scratch\n":                        "no ADD",
		"FROM debian\nADD rootfs.tar /\n":       "only scratch",
		"ARG X\n" + start:                       "FROM is the first",
		start + "FROM scratch\n":                "FROM is the first",
		start + "RUN true\n":                    "line 3: RUN: not understood",
		start + "ADD more.tar /\n":              "only one archive",
		"FROM scratch\nADD rootfs.tar /opt\n":   "only one archive",
		start + "COPY --chmod=755 a /b\n":       "options",
		start + "COPY a b\n":                    "does not begin with a slash",
		start + "COPY a b /c\n":                 "does not end in a slash",
		start + "LABEL RUN=\"docker $OPT1\"\n":  "no variable $OPT1",
		start + "COPY <<EOF /etc/x\nhello\nEOF": "texts of its own",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", text, err, reason)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Add("FROM scratch\nADD a /\nLABEL a\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read(strings.NewReader(text))
		if err == nil && (c.Rootfs == "" || c.Labels == nil) {
			t.Errorf("%q gives %+v", text, c)
		}
	})
}

func TestResolve(t *testing.T) {
	x := index{links: map[string]string{
		"/bin": "usr/bin", "/lib": "/usr/lib", "/usr/lib/here": "../share/there", "/a": "b", "/b": "a", "/up": "../../etc",
	}}
	for in, want := range map[string]string{
		"/bin":                 "/bin", // what is replaced, not what it leads to
		"/bin/sh":              "/usr/bin/sh",
		"/lib/here/x/y":        "/usr/share/there/x/y",
		"/up/passwd":           "/etc/passwd",
		"/usr/local/bin/thing": "/usr/local/bin/thing",
	} {
		if got, err := x.resolve(in); err != nil || got != want {
			t.Errorf("resolve(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	if _, err := x.resolve("/a/file"); err == nil {
		t.Error("a circle of links has an end")
	}
}

// TestWrite makes an image and reads it back.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "Containerfile"), sample, 0o600)
	writeFile(t, filepath.Join(dir, "install.sh"), "#!/bin/sh\n", 0o700)
	writeFile(t, filepath.Join(dir, "other.sh"), "other", 0o600)
	writeFile(t, filepath.Join(dir, "conf"), "conf", 0o600)
	rootfs := filepath.Join(t.TempDir(), "rootfs.tar")
	writeRootfs(t, rootfs)
	archive := filepath.Join(t.TempDir(), "image.tar")

	id, err := Write(archive, "some/image:latest", dir, rootfs)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Write(archive, "some/image:latest", dir, rootfs)
	if err != nil || again != id {
		t.Errorf("the same files give %s, and then %s, %v", id, again, err)
	}
	tag, err := name.NewTag("some/image:latest")
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(archive, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := image.ConfigName(); err != nil || hash.String() != id {
		t.Errorf("the archive has %s, %v, not %s", hash, err, id)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Config.Labels["name"] != "x" || len(config.RootFS.DiffIDs) != 2 ||
		!slices.Equal(config.Config.Env, []string{"A=1", "B=two words"}) {
		t.Errorf("config %+v", config)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"drwxr-x--x usr/", "drwxr-xr-x usr/bin/", "-rwxr-xr-x usr/bin/install.sh", "-rw-r--r-- usr/bin/other.sh",
		"drwxr-xr-x etc/", "drwxr-xr-x etc/new/", "-rw-r--r-- etc/new/name.conf",
	}
	if got := listing(t, layers[1]); !slices.Equal(got, want) {
		t.Errorf("on top is\n%q\nwant\n%q", got, want)
	}
}

func TestWriteTellsOfAMissingFile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "Containerfile"), sample, 0o600)
	rootfs := filepath.Join(t.TempDir(), "rootfs.tar")
	writeRootfs(t, rootfs)
	_, err := Write(filepath.Join(t.TempDir(), "image.tar"), "some/image", dir, rootfs)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "install.sh") {
		t.Errorf("got %v", err)
	}
}

func writeFile(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// writeRootfs has a folder with a mode of its own, and /bin as Debian has it.
func writeRootfs(t *testing.T, file string) {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "./usr/", Mode: 0o751},
		{Typeflag: tar.TypeDir, Name: "./usr/bin/", Mode: 0o755},
		{Typeflag: tar.TypeSymlink, Name: "./bin", Linkname: "usr/bin"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, buf.String(), 0o600)
}

func listing(t *testing.T, l v1.Layer) []string {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var names []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.FileInfo().Mode().String()+" "+h.Name)
	}
}
