package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
)

// pullWorld has a registry with an image of two layers.
func pullWorld(t *testing.T, opts ...fake.Option) (*testEnv, *enginetest.Registry, string) {
	te := newTestEnv(t, opts...)
	r := enginetest.NewRegistry(t)
	r.Push(t, "team/web:1", enginetest.ImageOptions{Bare: true, Layers: []map[string]string{{"/a": "a"}, {"/b": "b"}}})
	return te, r, r.Host + "/team/web:1"
}

func TestPull(t *testing.T) {
	te, _, ref := pullWorld(t)
	stdout, stderr, status := te.run("pull", ref)
	img, err := te.engine.Image(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if status != 0 || stdout != img.ID+"\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	lines := regexp.MustCompile(`^([0-9a-f]{12}: done, \d+ B\n)+pulled ` + regexp.QuoteMeta(ref) + `: \d layers, \d+ B in [^ ]+ s, .*B/s\n$`)
	if !lines.MatchString(stderr) {
		t.Errorf("stderr:\n%s", stderr)
	}
	_, stderr, status = te.run("pull", ref)
	if status != 0 || !strings.HasSuffix(stderr, ", all already present\nLatest version already installed.\n") {
		t.Errorf("again: status %d, stderr %q", status, stderr)
	}
	te.check(call{args: "pull --quiet " + ref, stdout: img.ID + "\n"})
}

func TestPullByDigest(t *testing.T) {
	te := newTestEnv(t)
	r := enginetest.NewRegistry(t)
	digest, err := r.Push(t, "web", enginetest.ImageOptions{Bare: true}).Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref := r.Host + "/web@" + digest.String()
	te.mustRun("pull", ref)
	if got := te.mustRun("info", ref); got != "Image Name: "+ref+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestPullOfWhatIsNotThere(t *testing.T) {
	te, r, _ := pullWorld(t)
	stdout, stderr, status := te.run("pull", r.Host+"/team/none")
	if status != exitNotFound || stdout != "" || !strings.HasPrefix(stderr, "atomic: pulling ") || strings.Contains(stderr, "pulled") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestPullBreaksOff(t *testing.T) {
	te, r, ref := pullWorld(t)
	r.Break(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "/blobs/") {
			http.Error(w, "disk on fire", http.StatusInternalServerError)
			return true
		}
		return false
	})
	stdout, stderr, status := te.run("pull", ref)
	if status != exitFailed || stdout != "" || strings.Contains(stderr, "pulled") || te.left() != "" {
		t.Errorf("status %d, stdout %q, stderr %q, left %s", status, stdout, stderr, te.left())
	}
}

func TestPullCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		options string // FILE is a file with the right credentials
		env     string // variable that names that file
		status  int
		stderr  string // has this in it
	}{
		"none":                 {"", "", exitFailed, "give credentials with --creds"},
		"given":                {"--creds me:pass:word", "", 0, ""},
		"original's spelling":  {"--src-creds=me:pass:word", "", 0, ""},
		"wrong":                {"--creds me:no", "", exitFailed, "give credentials with --creds"},
		"without password":     {"--creds me", "", exitFailed, "give it with --creds USER:PASSWORD"},
		"without user":         {"--creds :word", "", exitUsage, "these have no user"},
		"file":                 {"--authfile FILE", "", 0, ""},
		"file of the variable": {"", "REGISTRY_AUTH_FILE", 0, ""},
		"no such file":         {"--authfile FILE.not", "", exitFailed, "FILE.not"},
		"options come first":   {"--creds me:pass:word --authfile FILE.not", "", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			te, r, ref := pullWorld(t)
			r.RequireLogin("me", "pass:word")
			file := filepath.Join(te.dir, "FILE")
			auth := base64.StdEncoding.EncodeToString([]byte("me:pass:word"))
			if err := os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, r.Host, auth), 0o600); err != nil {
				t.Fatal(err)
			}
			if test.env != "" {
				te.environ[test.env] = file
			}
			options := strings.ReplaceAll(test.options, "FILE", file)
			_, stderr, status := te.run(append(append([]string{"--debug", "pull"}, strings.Fields(options)...), ref)...)
			if status != test.status || !strings.Contains(stderr, test.stderr) {
				t.Errorf("status %d, stderr %q", status, stderr)
			}
			for _, secret := range []string{"pass:word", auth} {
				if strings.Contains(stderr, secret) {
					t.Errorf("the secret is printed: %q", stderr)
				}
			}
		})
	}
}

// TestPullShortName has credentials for docker.io in a file: they are for
// Docker's short names, not for Podman's, which may mean any registry.
func TestPullShortName(t *testing.T) {
	for name, test := range map[string]struct {
		kind images.Kind
		ref  string
		want bool
	}{
		"docker":               {images.Docker, "web", true},
		"podman":               {images.Podman, "web", false},
		"podman, with a path":  {images.Podman, "team/web", false},
		"podman, in full":      {images.Podman, "docker.io/library/web", true},
		"podman, on localhost": {images.Podman, "localhost/web", false}, // there are none
	} {
		t.Run(name, func(t *testing.T) {
			te := newTestEnv(t)
			file := filepath.Join(te.dir, "auth.json")
			if err := os.WriteFile(file, []byte(`{"auths":{"docker.io":{"auth":"bWU6eA=="},"https://index.docker.io/v1/":{"auth":"bWU6eA=="}}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			e := te.env(nil, io.Discard, io.Discard)
			e.kind = test.kind
			creds, err := e.credentials(test.ref, pullOptions{authfile: file})
			if err != nil || (creds != nil) != test.want {
				t.Errorf("got %v, %v", creds, err)
			}
			if _, err := e.credentials(test.ref, pullOptions{authfile: file + ".not"}); err == nil {
				t.Error("a file that is not there is passed over")
			}
			if creds, err := e.credentials(test.ref, pullOptions{creds: "me:x"}); err != nil || creds.Username != "me" {
				t.Errorf("given: %v, %v", creds, err)
			}
		})
	}
}

func TestHasRegistry(t *testing.T) {
	for ref, want := range map[string]bool{
		"web": false, "web:1": false, "team/web": false, "reg.example/web": true, "reg:5000/web": true,
		"localhost/web": true, "web@sha256:12": false,
	} {
		if hasRegistry(ref) != want {
			t.Errorf("%s: got %v", ref, !want)
		}
	}
}

// A listener is an engine that remembers how it was asked to pull.
type listener struct {
	images.Engine
	asked images.PullOptions
}

func (l *listener) open(context.Context, images.Choice) (images.Engine, error) { return l, nil }

func (l *listener) Pull(ctx context.Context, ref string, opts images.PullOptions) (string, error) {
	l.asked = opts
	return l.Engine.Pull(ctx, ref, opts)
}

func TestPullTLSVerify(t *testing.T) {
	const note = "--tls-verify=false means nothing to docker"
	for _, test := range []struct {
		kind   images.Kind
		option string
		noted  bool
	}{
		{images.Docker, "--tls-verify=false", true},
		{images.Docker, "--tls-verify=true", false},
		{images.Docker, "--quiet", false},
		{images.Podman, "--tls-verify=false", false},
	} {
		te, _, ref := pullWorld(t, fake.WithKind(test.kind))
		spy := &listener{Engine: te.engine}
		te.open = spy.open
		_, stderr, status := te.run("pull", test.option, "--platform", "linux/amd64", ref)
		if status != 0 || strings.Contains(stderr, note) != test.noted {
			t.Errorf("%s %s: status %d, stderr %q", test.kind, test.option, status, stderr)
		}
		if spy.asked.Insecure != (test.option == "--tls-verify=false") || spy.asked.Platform != "linux/amd64" || spy.asked.Auth != nil {
			t.Errorf("%s %s: asked %+v", test.kind, test.option, spy.asked)
		}
	}
}
