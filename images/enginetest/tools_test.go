package enginetest

import (
	"archive/tar"
	"bytes"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestArchiveNames(t *testing.T) {
	for given, want := range map[string][]string{
		"web":                             {"web:latest"},
		"web:v1":                          {"web:v1"},
		"registry.example.com:5000/a/b:1": {"registry.example.com:5000/a/b:1"},
		"":                                nil,
	} {
		archive, err := Archive(given, ImageOptions{Bare: true})
		must(t, err)
		if d := cmp.Diff(want, archived(t, archive)); d != "" {
			t.Errorf("%q (-want +got):\n%s", given, d)
		}
	}
	if _, err := Archive("NOT A NAME", ImageOptions{Bare: true}); err == nil {
		t.Error("an archive has a name that is none")
	}
}

func TestImageOptionsMakeTheImage(t *testing.T) {
	o := ImageOptions{
		Labels: map[string]string{"RUN": "x"}, Entrypoint: []string{"/e"}, Cmd: []string{"c"}, Env: []string{"A=b"},
		User: "app", WorkDir: "/tmp", StopSignal: "SIGINT", Architecture: "s390x", Created: epoch.Add(time.Hour),
	}
	img, err := Image(o)
	must(t, err)
	file, err := img.ConfigFile()
	must(t, err)
	want := v1.Config{
		Labels: o.Labels, Entrypoint: o.Entrypoint, Cmd: o.Cmd, Env: []string{imagePath, "A=b"},
		User: "app", WorkingDir: "/tmp", StopSignal: "SIGINT",
	}
	if d := cmp.Diff(want, file.Config); d != "" {
		t.Errorf("configuration (-want +got):\n%s", d)
	}
	equal(t, "architecture", file.Architecture, "s390x")
	equal(t, "created", file.Created.Time, o.Created)
}

func TestSameOptionsSameImage(t *testing.T) {
	id := func(o ImageOptions) string {
		t.Helper()
		img, err := Image(o)
		must(t, err)
		h, err := img.ConfigName()
		must(t, err)
		return h.String()
	}
	one := ImageOptions{Labels: map[string]string{"a": "b"}, Layers: []map[string]string{{"/x": "1", "/y": "2"}}}
	equal(t, "ID of equal options", id(one), id(one))
	seen := map[string]int{}
	for i, o := range []ImageOptions{
		{},
		{Bare: true},
		one,
		{Labels: one.Labels, Layers: []map[string]string{{"/x": "1", "/y": "3"}}},
		{Labels: one.Labels, Layers: []map[string]string{{"/x": "1"}, {"/y": "2"}}},
		{Labels: map[string]string{"a": "c"}, Layers: one.Layers},
	} {
		if j, ok := seen[id(o)]; ok {
			t.Errorf("options %d and %d make the same image", i, j)
		}
		seen[id(o)] = i
	}
	archive, err := Archive("x", one)
	must(t, err)
	img, err := tarball.Image(opener(archive), nil)
	must(t, err)
	h, err := img.ConfigName()
	must(t, err)
	equal(t, "ID of the image in an archive", h.String(), id(one))
}

func TestImageHasItsFiles(t *testing.T) {
	img, err := Image(ImageOptions{Layers: []map[string]string{{"/data/file": "content"}, {plainFile: "other"}}})
	must(t, err)
	r := mutate.Extract(img)
	defer r.Close()
	files := make(map[string]string)
	types := make(map[string]byte)
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		content, err := io.ReadAll(archive)
		must(t, err)
		types[h.Name], files[h.Name] = h.Typeflag, string(content)
	}
	equal(t, "added file", files["data/file"], "content")
	equal(t, "file of the layer above", files[strings.TrimPrefix(plainFile, "/")], "other")
	equal(t, "sh", types["bin/sh"], byte(tar.TypeSymlink))
	if !strings.HasPrefix(files["bin/busybox"], "\x7fELF") {
		t.Error("busybox is no program")
	}
}

func TestRegistry(t *testing.T) {
	r := NewRegistry(t)
	pushed := r.Push(t, "some/image:v1", ImageOptions{Bare: true, Layers: []map[string]string{{"/x": "y"}}})
	pull := func(opts ...remote.Option) error {
		t.Helper()
		ref, err := name.ParseReference(r.Host + "/some/image:v1")
		must(t, err)
		opts = append(opts, remote.WithTransport(&http.Transport{DisableKeepAlives: true}),
			remote.WithRetryPredicate(func(error) bool { return false }), remote.WithRetryStatusCodes())
		img, err := remote.Image(ref, opts...)
		if err != nil {
			return err
		}
		got, err := img.Digest()
		must(t, err)
		want, err := pushed.Digest()
		must(t, err)
		equal(t, "digest", got, want)
		return nil
	}
	must(t, pull())

	r.RequireLogin("someone", "secret")
	if err := pull(); err == nil || !strings.Contains(err.Error(), "UNAUTHORIZED") {
		t.Errorf("without a login: got error %v", err)
	}
	login := remote.WithAuth(&authn.Basic{Username: "someone", Password: "secret"})
	must(t, pull(login))
	r.Push(t, "other", ImageOptions{Bare: true}) // knows the password

	r.Break(func(w http.ResponseWriter, req *http.Request) bool {
		http.Error(w, "broken", http.StatusTeapot)
		return true
	})
	if err := pull(login); err == nil {
		t.Error("a broken registry gave an image")
	}
	r.Break(nil)
	must(t, pull(login))
	all := r.Requests()
	if want := "GET /v2/some/image/manifests/v1"; all[len(all)-1] != want {
		t.Errorf("last request: got %q, want %q", all[len(all)-1], want)
	}
}

// echoServer is a thing behind a wire: it says again what it hears.
func echoServer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return "unix://" + path
}

// ask says something through a wire and reads the answer.
func ask(c net.Conn, text string) (string, error) {
	c.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	buf := make([]byte, len(text))
	_, err := io.ReadFull(c, buf)
	return string(buf), err
}

func TestWire(t *testing.T) {
	w := NewWire(t, echoServer(t))
	c, err := net.Dial("unix", strings.TrimPrefix(w.URL, "unix://"))
	must(t, err)
	defer c.Close()
	answer, err := ask(c, "hello")
	must(t, err)
	equal(t, "answer", answer, "hello")

	must(t, c.(*net.UnixConn).CloseWrite())
	rest, err := io.ReadAll(c)
	must(t, err)
	equal(t, "after the end", string(rest), "")
}

func TestWireStalls(t *testing.T) {
	w := NewWire(t, echoServer(t))
	path := strings.TrimPrefix(w.URL, "unix://")
	old, err := net.Dial("unix", path)
	must(t, err)
	defer old.Close()
	w.Stall()
	young, err := net.Dial("unix", path)
	must(t, err)
	defer young.Close()
	for what, c := range map[string]net.Conn{"old": old, "new": young} {
		if answer, err := ask(c, "hello"); !isTimeout(err) {
			t.Errorf("through a stalled wire the %s connection gave %q, %v", what, answer, err)
		}
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

func TestWireIsCut(t *testing.T) {
	w := NewWire(t, echoServer(t))
	path := strings.TrimPrefix(w.URL, "unix://")
	c, err := net.Dial("unix", path)
	must(t, err)
	defer c.Close()
	_, err = ask(c, "hello")
	must(t, err)
	w.Cut()
	if answer, err := ask(c, "hello"); err == nil || isTimeout(err) {
		t.Errorf("through a cut wire came %q, %v", answer, err)
	}
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("a cut wire takes connections")
	}
	w.Cut()
}

func TestGateHoldsBack(t *testing.T) {
	g := newGate([]byte("some"))
	done := make(chan error, 1)
	var got bytes.Buffer
	go func() {
		_, err := io.Copy(&got, g)
		done <- err
	}()
	<-g.reached
	select {
	case err := <-done:
		t.Fatalf("a closed gate ended: %v", err)
	default:
	}
	g.open()
	must(t, <-done)
	equal(t, "content", got.String(), "some")
}
