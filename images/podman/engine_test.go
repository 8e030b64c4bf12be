package podman

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// kinds are all sentinels.
var kinds = []error{
	images.ErrNotFound, images.ErrConflict, images.ErrUnreachable, images.ErrDenied, images.ErrUnauthorized,
	images.ErrTimeout, images.ErrProgramNotFound, images.ErrProgramNotExecutable,
}

// isOnly checks that an error is of one kind and no other; nil is of none.
func isOnly(t *testing.T, what string, err, kind error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
	}
	for _, k := range kinds {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("%s: error %q is %q: %v, want %v", what, err, k, errors.Is(err, k), k == kind)
		}
	}
}

func TestNew(t *testing.T) {
	for _, uri := range []string{"unix:///run/podman/podman.sock", "unix://run/x", "tcp://127.0.0.1:8888", "ssh://core@host:22/run/podman.sock"} {
		e, err := New(uri)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, uri := range []string{"", "/run/podman.sock", "unix://", "http://x", "tcp://", "ssh:///x", "unix:// bad\x7f"} {
		if _, err := New(uri); err == nil {
			t.Errorf("%q was taken", uri)
		}
	}
}

func TestConnecting(t *testing.T) {
	dir := shortDir(t)
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	docker := shortDir(t) + "/s"
	l, err := net.Listen("unix", docker)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: says(http.StatusOK, "OK")}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	for name, c := range map[string]struct {
		uri  string
		kind error
	}{
		"no socket":   {"unix://" + dir + "/none", images.ErrUnreachable},
		"a file":      {"unix://" + dir + "/file", images.ErrUnreachable},
		"not Podman":  {"unix://" + docker, images.ErrUnreachable},
		"nobody":      {"tcp://127.0.0.1:1", images.ErrUnreachable},
		"no such key": {"ssh://nobody@127.0.0.1:1/run/x", images.ErrUnreachable},
	} {
		_, err := open(t, c.uri).Info(t.Context())
		isOnly(t, name, err, c.kind)
	}
	if err := unreachable(t.Context(), &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", os.ErrPermission)}); !errors.Is(err, images.ErrDenied) {
		t.Errorf("a socket that may not be used: %v", err)
	}
	e := open(t, "unix://"+dir+"/none")
	e.Close()
	_, err = e.Info(t.Context())
	isOnly(t, "closed", err, images.ErrUnreachable)
}

// A service may come later: a failure to connect is not kept.
func TestConnectsLater(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{"GET /images/json": says(http.StatusOK, "[]")})
	path := strings.TrimPrefix(f.uri, "unix://")
	if err := os.Rename(path, path+"x"); err != nil {
		t.Fatal(err)
	}
	e := f.engine(t)
	_, err := e.Images(t.Context())
	isOnly(t, "too early", err, images.ErrUnreachable)
	if err := os.Rename(path+"x", path); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Images(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	runc := `runc: runc create failed: unable to start container process: exec: "%s": %s: %s`
	for name, c := range map[string]struct {
		status         int
		cause, message string
		kind           error
	}{
		"no container":       {404, "no such container", `no container with name or ID "x" found: no such container`, images.ErrNotFound},
		"no image, as 500":   {500, "image not known", "nosuch: image not known", images.ErrNotFound},
		"name taken":         {500, "that name is already in use", `the container name "x" is already in use by ab`, images.ErrConflict},
		"name taken, 5":      {500, "name taken", `creating container storage: the container name "x" is already in use by ab. You have to remove that`, images.ErrConflict},
		"name taken, rename": {500, "", "renaming container ab: UNIQUE constraint failed: ContainerConfig.Name", images.ErrConflict},
		"not running":        {500, "container state improper", "can only kill running containers. x is in state exited: container state improper", images.ErrConflict},
		"409":                {409, "whatever", "whatever", images.ErrConflict},
		"image used":         {409, "image is in use by a container", "image used by ab: image is in use by a container", images.ErrConflict},
		"many names":         {500, "x", `unable to delete image "ab" by ID with more than one tag ([a b]): please force removal`, images.ErrConflict},
		"forbidden":          {403, "", "no", images.ErrDenied},
		"nothing known":      {500, "invalid argument", "names must match [a-z]: invalid argument", nil},
		"runc, path":         {500, "OCI runtime attempted to invoke a command that was not found", fmt.Sprintf(runc, "/x", "stat /x: no such file or directory", "OCI runtime attempted…"), images.ErrProgramNotFound},
		"runc, name":         {500, "", fmt.Sprintf(runc, "x", "executable file not found in $PATH", "OCI…"), images.ErrProgramNotFound},
		"runc, attach":       {409, "", "preparing container ab for attach: " + fmt.Sprintf(runc, "x", "executable file not found in $PATH", "OCI…"), images.ErrProgramNotFound},
		"runc, no JSON":      {500, "OCI permission denied", `time="…" level=error msg="runc create failed: unable to start container process: exec: \"/etc/motd\": permission denied": OCI permission denied`, images.ErrProgramNotExecutable},
		"runc, directory":    {500, "OCI permission denied", fmt.Sprintf(runc, "/etc", "permission denied", "OCI permission denied"), images.ErrProgramNotExecutable},
		"runc, newer":        {500, "", fmt.Sprintf(runc, "/etc", "is a directory", "x"), images.ErrProgramNotExecutable},
		"crun, name":         {500, "", "crun: executable file `x` not found in $PATH: No such file or directory: OCI runtime attempted…", images.ErrProgramNotFound},
		"crun, path":         {500, "", "crun: executable file `/x` not found: No such file or directory: OCI…", images.ErrProgramNotFound},
		"crun, file":         {500, "", "crun: open executable: Permission denied: OCI permission denied", images.ErrProgramNotExecutable},
		"crun, directory":    {500, "", "crun: open executable: Operation not permitted: OCI permission denied", images.ErrProgramNotExecutable},
		"capabilities":       {500, "OCI permission denied", "runc: runc create failed: unable to start container process: unable to apply caps: operation not permitted: OCI permission denied", nil},
		"a mount":            {500, "OCI runtime attempted to invoke a command that was not found", `runc: error mounting "/x" to rootfs at "/y": stat /x: no such file or directory: OCI runtime attempted…`, nil},
		"crun, a mount":      {500, "", "crun: mount `/x` to `/y`: Permission denied: OCI permission denied", nil},
		"working directory":  {500, "", `workdir "/x" does not exist on container ab`, nil},
		"not the 404 we ask": {404, "", "", nil},
	} {
		answer := refuses(c.status, c.cause, c.message)
		if c.message == "" {
			answer = says(c.status, "404 page not found\n")
		}
		f := newFake(t, map[string]http.HandlerFunc{"POST /containers/x/start": answer, "GET /containers/x/json": says(200, container("created", 0, false))})
		err := f.engine(t).Start(t.Context(), "x")
		isOnly(t, name, err, c.kind)
		if !strings.Contains(fmt.Sprint(err), `starting container "x"`) || !strings.Contains(fmt.Sprint(err), c.message) {
			t.Errorf("%s: the error %q loses what was attempted, or the words of the service", name, err)
		}
	}
}

func TestPullErrors(t *testing.T) {
	for message, kind := range map[string]error{
		"initializing source docker://r/i:v2: reading manifest v2 in r/i: manifest unknown":                         images.ErrNotFound,
		"reading manifest v1 in r/other: name unknown: Unknown name":                                                images.ErrNotFound,
		"reading manifest latest in docker.io/library/x: requested access to the resource is denied":                images.ErrUnauthorized,
		"unable to retrieve auth token: invalid username/password: unauthorized":                                    images.ErrUnauthorized,
		"reading manifest latest in r/i: authentication required":                                                   images.ErrUnauthorized,
		`pinging container registry r: Get "https://r/v2/": dial tcp 127.0.0.1:1: connect: connection refused`:      nil,
		"writing blob: happened during read: Digest did not match, expected sha256:aa, got sha256:bb":               nil,
		"short-name \"x\" did not resolve to an alias and no unqualified-search registries are defined in \"/etc\"": nil,
	} {
		for _, status := range []int{200, 500} {
			text := fmt.Sprintf(`{"error":%q}`, message)
			if status == 500 {
				text = fmt.Sprintf(`{"message":%q}`, message)
			}
			f := newFake(t, map[string]http.HandlerFunc{"POST /images/pull": says(status, text)})
			_, err := f.engine(t).Pull(t.Context(), "r/i", images.PullOptions{})
			isOnly(t, message, err, kind)
		}
	}
}

func TestPullAsks(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{
		"POST /images/pull": func(w http.ResponseWriter, r *http.Request) {
			text, err := base64.URLEncoding.DecodeString(r.Header.Get("X-Registry-Auth"))
			if err != nil {
				t.Error(err)
			}
			var got map[string]string
			if err := json.Unmarshal(text, &got); err != nil {
				t.Error(err)
			}
			want := map[string]string{"username": "u", "password": "p€?>", "identitytoken": "t"}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("credentials (-want +got):\n%s", d)
			}
			fmt.Fprint(w, `{"images":["0123"],"id":"0123"}`)
		},
		"GET /images/0123/json": says(200, `{"Id":"0123456789"}`),
	})
	id, err := f.engine(t).Pull(t.Context(), "r/i", images.PullOptions{
		Auth: &images.Credentials{Username: "u", Password: "p€?>", IdentityToken: "t"}, Platform: "linux/arm/v7", Insecure: true,
	})
	if err != nil || id != "sha256:0123456789" {
		t.Errorf("got %q, %v", id, err)
	}
	r, err := pullRequest("r/i", images.PullOptions{Platform: "linux/arm/v7", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"reference": {"r/i"}, "policy": {"always"}, "compatMode": {"true"}, "tlsVerify": {"false"},
		"OS": {"linux"}, "Arch": {"arm"}, "Variant": {"v7"},
	}
	if d := cmp.Diff(want, r.query); d != "" {
		t.Errorf("query (-want +got):\n%s", d)
	}
	r, err = pullRequest("r/i", images.PullOptions{})
	if err != nil || r.header != nil || r.query.Has("tlsVerify") || r.query.Has("OS") {
		t.Errorf("a plain pull asks %v with %v, %v", r.query, r.header, err)
	}
}

// everyCall is each method that asks, with what it asks first.
func everyCall() map[string]struct {
	request string
	make    func(context.Context, *Engine) error
} {
	type call = struct {
		request string
		make    func(context.Context, *Engine) error
	}
	second := time.Second
	return map[string]call{
		"Info":   {"GET /info", func(ctx context.Context, e *Engine) error { _, err := e.Info(ctx); return err }},
		"Image":  {"GET /images/x/json", func(ctx context.Context, e *Engine) error { _, err := e.Image(ctx, "x"); return err }},
		"Images": {"GET /images/json", func(ctx context.Context, e *Engine) error { _, err := e.Images(ctx); return err }},
		"Pull": {"POST /images/pull", func(ctx context.Context, e *Engine) error {
			_, err := e.Pull(ctx, "x", images.PullOptions{})
			return err
		}},
		"Tag":         {"POST /images/x/tag", func(ctx context.Context, e *Engine) error { return e.Tag(ctx, "x", "y:z") }},
		"RemoveImage": {"DELETE /images/x", func(ctx context.Context, e *Engine) error { return e.RemoveImage(ctx, "x", false) }},
		"Save":        {"GET /images/export", func(ctx context.Context, e *Engine) error { return e.Save(ctx, []string{"x"}, io.Discard) }},
		"Load": {"POST /images/load", func(ctx context.Context, e *Engine) error {
			_, err := e.Load(ctx, strings.NewReader("x"))
			return err
		}},
		"Container":  {"GET /containers/x/json", func(ctx context.Context, e *Engine) error { _, err := e.Container(ctx, "x"); return err }},
		"Containers": {"GET /containers/json", func(ctx context.Context, e *Engine) error { _, err := e.Containers(ctx); return err }},
		"Create": {"POST /containers/create", func(ctx context.Context, e *Engine) error {
			_, _, err := e.Create(ctx, run.Spec{Image: "x"})
			return err
		}},
		"Rename": {"POST /containers/x/rename", func(ctx context.Context, e *Engine) error { return e.Rename(ctx, "x", "y") }},
		"Remove": {"DELETE /containers/x", func(ctx context.Context, e *Engine) error { return e.Remove(ctx, "x", true) }},
		"Start":  {"GET /containers/x/json", func(ctx context.Context, e *Engine) error { return e.Start(ctx, "x") }},
		"Stop":   {"GET /containers/x/json", func(ctx context.Context, e *Engine) error { return e.Stop(ctx, "x", nil) }},
		"Kill":   {"POST /containers/x/kill", func(ctx context.Context, e *Engine) error { return e.Kill(ctx, "x", 9) }},
		"Wait":   {"GET /containers/x/json", func(ctx context.Context, e *Engine) error { _, err := e.Wait(ctx, "x"); return err }},
		"Attach": {"GET /containers/x/json", func(ctx context.Context, e *Engine) error {
			_, err := e.Attach(ctx, "x", images.AttachOptions{})
			return err
		}},
		"Exec": {"POST /containers/x/exec", func(ctx context.Context, e *Engine) error {
			_, err := e.Exec(ctx, "x", images.Process{})
			return err
		}},
		"Logs": {"GET /containers/x/logs", func(ctx context.Context, e *Engine) error {
			return e.Logs(ctx, "x", images.LogOptions{}, io.Discard, io.Discard)
		}},
		"Events": {"GET /events", func(ctx context.Context, e *Engine) error {
			return e.Events(ctx, func() {}, func(images.Event) {})
		}},
		"Stop with grace": {"POST /containers/x/stop", func(ctx context.Context, e *Engine) error {
			ctx, cancel := context.WithTimeout(ctx, 3*second)
			defer cancel()
			zero := time.Duration(0)
			return e.Stop(ctx, "x", &zero)
		}},
	}
}

func TestServiceFails(t *testing.T) {
	for name, c := range everyCall() {
		for how, broken := range map[string]struct {
			answer http.HandlerFunc
			kind   error
		}{
			"hangs":             {hangs, images.ErrTimeout},
			"dies":              {dies(""), images.ErrUnreachable},
			"refuses":           {refuses(500, "no such container", "it is gone: no such container"), images.ErrNotFound},
			"is something else": {says(404, "404 page not found"), nil},
			"is broken":         {says(500, ""), nil},
			"dies while it refuses": {func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.WriteHeader(500)
				dies(`{"cause":"x`)(w, r)
			}, images.ErrUnreachable},
		} {
			if name == "Pull" && how == "refuses" {
				continue // it is a registry's refusal there
			}
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				f := newFake(t, map[string]http.HandlerFunc{c.request: broken.answer})
				err := c.make(t.Context(), f.engine(t))
				isOnly(t, name, err, broken.kind)
			})
		}
	}
}

// What cannot be read is neither success nor the death of the service.
func TestServiceLies(t *testing.T) {
	for name, c := range everyCall() {
		if slices.Contains([]string{"Tag", "RemoveImage", "Rename", "Remove", "Kill", "Save", "Stop with grace"}, name) {
			continue // they need no answer
		}
		for what, text := range map[string]string{"text": "OK\n", "half of it": `{"Id":`, "too much": strings.Repeat(" ", 2<<20) + "{}"} {
			f := newFake(t, map[string]http.HandlerFunc{c.request: says(200, text)})
			err := c.make(t.Context(), f.engine(t))
			if err == nil {
				t.Errorf("%s, answered with %s: no error", name, what)
			}
			for _, k := range []error{images.ErrNotFound, images.ErrTimeout, images.ErrConflict} {
				if errors.Is(err, k) {
					t.Errorf("%s, answered with %s: error %q is %q", name, what, err, k)
				}
			}
		}
	}
}

func TestCreateWarns(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{"POST /containers/create": says(201, `{"Id":"abc","Warnings":["mind the gap"]}`)})
	id, warnings, err := f.engine(t).Create(t.Context(), run.Spec{Image: "sha256:0123456789abcdef"})
	if err != nil || id != "abc" || !slices.Equal(warnings, []string{"mind the gap"}) {
		t.Errorf("got %q, %q, %v", id, warnings, err)
	}
}

func TestRemoveReports(t *testing.T) {
	for text, kind := range map[string]error{
		"": nil, `[{"Id":"abc","RawInput":"x"}]`: nil, `[{"Id":"abc","Err":null}]`: nil, `[{"Id":"abc","Err":{}}]`: nil,
		`[{"Id":"abc","Err":"cannot remove container abc as it is running - running or paused containers cannot be removed without force: container state improper"}]`: images.ErrConflict,
	} {
		f := newFake(t, map[string]http.HandlerFunc{"DELETE /containers/x": says(200, text)})
		err := f.engine(t).Remove(t.Context(), "x", false)
		if !errors.Is(err, kind) {
			t.Errorf("%s: got %v, want %v", text, err, kind)
		}
	}
}

func TestStopGrace(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{
		"POST /containers/x/stop": says(204, ""),
		"GET /containers/x/json":  inTurn(says(200, container("running", 0, false)), says(200, container("exited", 0, false))),
	})
	e := f.engine(t)
	for grace, want := range map[time.Duration]string{0: "timeout=0", -1: "timeout=0", 1500 * time.Millisecond: "timeout=2", time.Hour: "timeout=3600"} {
		if err := e.Stop(t.Context(), "x", &grace); err != nil || f.query() != want {
			t.Errorf("grace %v: asked %q, %v; want %q", grace, f.query(), err, want)
		}
	}
	if err := e.Stop(t.Context(), "x", nil); err != nil || f.query() != "" {
		t.Errorf("own grace: asked %q, %v", f.query(), err)
	}
	before := len(f.asked())
	if err := e.Stop(t.Context(), "x", nil); err != nil || len(f.asked()) != before+1 {
		t.Errorf("a stopped container was stopped: %v, %v", f.asked()[before:], err)
	}
}

func TestContainerAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"one word":               {`{"Path":"cat","Args":["cat"],"Config":{"Cmd":["cat"],"Entrypoint":""}}`, []string{"cat"}},
		"one word, entrypoint":   {`{"Path":"cat","Args":["cat"],"Config":{"Cmd":null,"Entrypoint":"cat"}}`, []string{"cat"}},
		"the same twice":         {`{"Path":"cat","Args":["cat"],"Config":{"Cmd":["cat","cat"],"Entrypoint":""}}`, []string{"cat", "cat"}},
		"both":                   {`{"Path":"echo","Args":["a b","c"],"Config":{"Cmd":["c"],"Entrypoint":"echo a b"}}`, []string{"echo", "a b", "c"}},
		"entrypoint of podman 5": {`{"Path":"echo","Args":["a b"],"Config":{"Cmd":[],"Entrypoint":["echo","a b"]}}`, []string{"echo", "a b"}},
		"init":                   {`{"Path":"/dev/init","Args":["--","cat","x"],"Config":{"Cmd":["cat","x"]}}`, []string{"cat", "x"}},
		"init of podman 5":       {`{"Path":"/run/podman-init","Args":["--","cat"],"Config":{"Cmd":["cat"]}}`, []string{"cat"}},
		"no arguments, podman 5": {`{"Path":"cat","Args":[],"Config":{"Cmd":["cat"]}}`, []string{"cat"}},
	} {
		f := newFake(t, map[string]http.HandlerFunc{"GET /containers/x/json": says(200, c.text)})
		got, err := f.engine(t).Container(t.Context(), "x")
		if err != nil || !slices.Equal(got.Command, c.want) {
			t.Errorf("%s: got %q, %v; want %q", name, got.Command, err, c.want)
		}
	}
	for word, want := range map[string]images.State{
		"configured": images.Created, "initialized": images.Created, "Running": images.Running, "stopping": images.Running,
		"stopped": images.Exited, "exited": images.Exited, "paused": images.Paused, "removing": images.Removing, "unknown": images.Dead,
	} {
		if got := stateOf(word); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
	for name, want := range map[string]string{
		"localhost/bb:latest": "bb", "docker.io/library/bb:v1": "bb:v1", "docker.io/rhel7/tools:latest": "rhel7/tools",
		"quay.io/cockpit/ws:latest": "quay.io/cockpit/ws", "": "",
	} {
		if got := familiar(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestLookup(t *testing.T) {
	for ref, want := range map[string]string{
		"sha256:0123456789ab": "0123456789ab", "sha256:" + strings.Repeat("a", 64): strings.Repeat("a", 64),
		"name@sha256:0123": "name@sha256:0123", "sha256:latest": "sha256:latest", "bb": "bb",
	} {
		if got := lookup(ref); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}
}

// An image that is inspected while others go is inspected again.
func TestImageInspectedAgain(t *testing.T) {
	stumbles := refuses(500, "runtime error", "runtime error: invalid memory address or nil pointer dereference")
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /images/x/json":         inTurn(stumbles, stumbles, says(200, `{"Id":"ab"}`)),
		"GET /images/stumbling/json": stumbles,
	})
	e := f.engine(t)
	if img, err := e.Image(t.Context(), "x"); err != nil || img.ID != "sha256:ab" {
		t.Errorf("got %q, %v", img.ID, err)
	}
	_, err := e.Image(t.Context(), "stumbling")
	isOnly(t, "for ever", err, nil)
}

func TestLogsAsks(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{"GET /containers/x/logs": says(200, frame(1, "o")+frame(2, "e"))})
	var out, err bytes.Buffer
	since := time.Date(2026, 11, 21, 1, 2, 3, 4, time.UTC)
	opts := images.LogOptions{Tail: 5, Since: since, Timestamps: true, Follow: true}
	if e := f.engine(t).Logs(t.Context(), "x", opts, &out, &err); e != nil || out.String() != "o" || err.String() != "e" {
		t.Errorf("got %q, %q, %v", &out, &err, e)
	}
	got, e := url.ParseQuery(f.query())
	if e != nil {
		t.Fatal(e)
	}
	want := url.Values{"stdout": {"true"}, "stderr": {"true"}, "follow": {"true"}, "timestamps": {"true"}, "tail": {"5"}, "since": {"2026-11-21T01:02:03.000000004Z"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("query (-want +got):\n%s", d)
	}
}

// A log that the service stops following too early is read on.
func TestLogsFollowOn(t *testing.T) {
	first := frame(1, "one\n") + frame(2, "e\n")
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /containers/x/logs": inTurn(says(200, first), says(200, first), says(200, first+frame(1, "two\n")+frame(2, "f\n"))),
		"GET /containers/x/json": inTurn(says(200, container("stopping", 0, false)), says(200, container("running", 0, false)), says(200, container("exited", 0, false))),
	})
	var out, err bytes.Buffer
	if e := f.engine(t).Logs(t.Context(), "x", images.LogOptions{Follow: true}, &out, &err); e != nil || out.String() != "one\ntwo\n" || err.String() != "e\nf\n" {
		t.Errorf("got %q, %q, %v", &out, &err, e)
	}
}

func TestEventWords(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{"GET /events": says(200, `
{"status":"died","id":"ab","Type":"container","Action":"died","Actor":{"ID":"ab","Attributes":{"name":"c","containerExitCode":"3"}},"time":1,"timeNano":1000000002}
{"Type":"volume","Action":"create","Actor":{"ID":"v"}}
{"Type":"image","Action":"remove","Actor":{"ID":"cd","Attributes":{"name":"i"}},"timeNano":5}
{"Type":"container","Action":"remove","Actor":{"ID":"ab"}}
`)})
	var got []images.Event
	ready := 0
	err := f.engine(t).Events(t.Context(), func() { ready++ }, func(ev images.Event) { got = append(got, ev) })
	isOnly(t, "at the end", err, images.ErrUnreachable)
	want := []images.Event{
		{Type: "container", Action: "die", ID: "ab", Name: "c", Time: time.Unix(1, 2)},
		{Type: "image", Action: "delete", ID: "sha256:cd", Name: "i", Time: time.Unix(0, 5)},
		{Type: "container", Action: "destroy", ID: "ab", Time: time.Unix(0, 0)},
	}
	if d := cmp.Diff(want, got); d != "" || ready != 1 {
		t.Errorf("ready %d times; events (-want +got):\n%s", ready, d)
	}
}
