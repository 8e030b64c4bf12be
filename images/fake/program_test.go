package fake_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/labels/run"
)

func TestShell(t *testing.T) {
	for _, c := range []struct {
		script    string
		out, errs string
		code      int
	}{
		{script: "echo a  'b  c' \"$HOME\"", out: "a b  c /root\n"},
		{script: "exit 7", code: 7},
		{script: "false; echo $?", out: "1\n"},
		{script: "false", code: 1},
		{script: "false || echo or; true && echo and", out: "or\nand\n"},
		{script: "for i in 1 2; do echo $((i * 2)); done", out: "2\n4\n"},
		{script: "echo one | cat; echo two >&2", out: "one\n", errs: "two\n"},
		{script: "echo x > /tmp/f; echo y >> /tmp/f; cat /tmp/f; cat < /tmp/f", out: "x\ny\nx\ny\n"},
		{script: "cd /tmp && pwd && echo $PWD && echo z > g && cat /tmp/g", out: "/tmp\n/tmp\nz\n"},
		{script: "cd /nowhere || echo no", out: "no\n", errs: "cd: no such file or directory: \"/nowhere\"\n"},
		{script: "test -e /etc/passwd && [ -d /etc ] && [ ! -e /nothing ] && echo files", out: "files\n"},
		{script: "ls /etc; cat /nothing", out: "group\npasswd\n", errs: "cat: open /nothing: file does not exist\n", code: 1},
		{script: "nonsense", errs: "sh: nonsense: program not found in the container\n", code: 127},
		{script: "/etc/passwd", errs: "sh: /etc/passwd: program cannot be executed in the container\n", code: 126},
		{script: "trap 'echo bye' EXIT; echo hi; exit 2", out: "hi\nbye\n", code: 2},
		{script: "trap 'echo bye' EXIT; echo hi", out: "hi\nbye\n"},
		{script: "trap 'echo got' USR1; kill -USR1 1; :; echo then", out: "got\nthen\n"},
		{script: "trap 'exit 5' USR1; kill -s USR1 1; echo never", code: 5},
		{script: "trap '' USR1; kill -USR1 1; trap - USR1; kill -10 1; echo still", out: "still\n"},
		{script: "kill -KILL 1; echo never", code: 137},
		{script: "kill -USR1 77", errs: "kill: there is no process 77\n", code: 1},
		{script: "f() { echo \"f $1\"; return 3; }; f x; echo $?", out: "f x\n3\n"},
		{script: "A=1 env B=2 sh -c 'echo $A$B'", out: "12\n"},
		{script: "env nonsense", errs: "env: nonsense: program not found in the container\n", code: 127},
		{script: "echo 12345 | head -c 3; printf '1\\n2\\n3\\n' | head -n 2", out: "1231\n2\n"},
		{script: "printf 'a\\nb' | wc -l; printf abc | wc -c", out: "1\n3\n"},
		{script: "id -u; id -g; id", out: "0\n0\nuid=0 gid=0\n"},
		{script: "command -v sh && command -v nonsense", out: "/bin/sh\n", code: 1},
		{script: "exec echo replaced; echo never", out: "replaced\n"},
		{script: "echo 'echo from a file $1' > /tmp/s; sh /tmp/s arg", out: "from a file arg\n"},
		{script: "echo 'echo from stdin' | sh", out: "from stdin\n"},
		{script: "stty size", errs: "stty: standard input is no terminal\n", code: 1},
		{script: "if", errs: "sh:1:1: `if` must be followed by a statement list\n", code: 2},
	} {
		t.Run(c.script, func(t *testing.T) {
			out, errs, code := runBox(t, withBox(), run.Spec{Args: []string{"sh", "-c", c.script}}, nil)
			if out != c.out || errs != c.errs || code != c.code {
				t.Errorf("got %q, %q, %d; want %q, %q, %d", out, errs, code, c.out, c.errs, c.code)
			}
		})
	}
}

func TestShellOptions(t *testing.T) {
	for _, args := range [][]string{
		{"sh", "-ec", "false; echo $0 $1", "name", "arg"},
		{"sh", "-e", "-c", "false; echo $0 $1", "name", "arg"},
	} {
		out, _, code := runBox(t, withBox(), run.Spec{Args: args}, nil)
		if out != "" || code != 1 {
			t.Errorf("%q went on after a failure: printed %q, exit status %d", args, out, code)
		}
	}
	out, _, _ := runBox(t, withBox(), run.Spec{Args: []string{"sh", "-c", "echo $0 $1 $#", "name", "a b", "-e"}}, nil)
	if out != "name a b 2\n" {
		t.Errorf("parameters: %q", out)
	}
}

func TestShellReadsLines(t *testing.T) {
	for _, c := range []struct {
		typed, out, errs string
		code             int
	}{
		{"echo one\ncd /tmp\npwd\n", "one\n/tmp\n", "", 0},
		{"exit 3\necho never\n", "", "", 3},
		{"false\n", "", "", 1},
		{"trap 'echo bye' EXIT\necho hi\n", "hi\nbye\n", "", 0},
		{"echo x\nif\n", "x\n", "sh: 2:1: `if` must be followed by a statement list\n", 2},
	} {
		out, errs, code := runBox(t, withBox(), run.Spec{Args: []string{"sh"}}, strings.NewReader(c.typed))
		if out != c.out || errs != c.errs || code != c.code {
			t.Errorf("typed %q: got %q, %q, %d; want %q, %q, %d", c.typed, out, errs, code, c.out, c.errs, c.code)
		}
	}
}

func TestShellIsPrompt(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	e := withBox()
	_, _, err := e.Create(ctx, run.Spec{Name: "c", Image: "box", Stdin: true, TTY: true, Args: []string{"bash"}})
	must(t, err)
	s, err := e.Attach(ctx, "c", images.AttachOptions{Stdin: true})
	must(t, err)
	must(t, e.Start(ctx, "c"))
	typed, keyboard := io.Pipe()
	read, screen := io.Pipe()
	go func() { screen.CloseWithError(s.Pipe(ctx, images.Streams{Stdin: typed, Stdout: screen})) }()
	lines := bufio.NewScanner(read)
	for _, word := range []string{"one", "two"} {
		fmt.Fprintf(keyboard, "echo %s\r", word)
		for _, want := range []string{"echo " + word, word} {
			if !lines.Scan() || strings.TrimSpace(lines.Text()) != want {
				t.Fatalf("the screen shows %q, want %q", lines.Text(), want)
			}
		}
	}
	must(t, e.Remove(ctx, "c", true))
}

func TestWithProgram(t *testing.T) {
	e := withBox(fake.WithProgram("greet", func(_ context.Context, p *fake.Process) int {
		text, err := io.ReadAll(p.Stdin)
		if err != nil {
			fmt.Fprintln(p.Stderr, err)
		}
		users, err := p.ReadFile("../etc/passwd")
		if err != nil {
			fmt.Fprintln(p.Stderr, err)
		}
		fmt.Fprintf(p.Stdout, "%q %s %s %s %.4s\n", p.Args, p.Getenv("WHO"), p.Dir, text, users)
		return 4
	}))
	out, errs, code := runBox(t, e, run.Spec{
		Args: []string{"greet", "x y"}, Env: []run.EnvVar{{Name: "WHO", Value: "me"}}, WorkDir: "/tmp",
	}, strings.NewReader("typed"))
	if want := "[\"greet\" \"x y\"] me /tmp typed root\n"; out != want || errs != "" || code != 4 {
		t.Errorf("got %q, %q, %d; want %q", out, errs, code, want)
	}
}

func TestUnknownProgramIsLoud(t *testing.T) {
	ctx := t.Context()
	e := fake.New()
	_, err := e.Load(ctx, withFiles(t, []tar.Header{{Name: "bin/httpd", Mode: 0o755, Typeflag: tar.TypeReg}}))
	must(t, err)
	_, _, err = e.Create(ctx, run.Spec{Name: "c", Image: "made", Args: []string{"httpd"}})
	must(t, err)
	if err := e.Start(ctx, "c"); err == nil || !strings.Contains(err.Error(), "has no such program") {
		t.Errorf("got error %v, want that the engine has no such program", err)
	}
}

// withFiles is an archive of an image "made" with layers of empty files, links
// and marks over busybox.
func withFiles(t *testing.T, layers ...[]tar.Header) io.Reader {
	t.Helper()
	archive, err := enginetest.Archive("made", enginetest.ImageOptions{})
	must(t, err)
	e := fake.New()
	_, err = e.Load(t.Context(), bytes.NewReader(archive))
	must(t, err)
	// Add the layers to the archive that a fake writes, which is simple.
	var saved bytes.Buffer
	must(t, e.Save(t.Context(), []string{"made"}, &saved))
	var extra [][]byte
	for _, files := range layers {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range files {
			must(t, w.WriteHeader(&h))
		}
		must(t, w.Close())
		extra = append(extra, b.Bytes())
	}
	return withLayers(t, &saved, extra)
}

func TestLayers(t *testing.T) {
	ctx := t.Context()
	e := fake.New()
	_, err := e.Load(ctx, withFiles(t,
		[]tar.Header{
			{Name: "./bin/echo2", Linkname: "/bin/echo", Typeflag: tar.TypeSymlink, Mode: 0o777},
			{Name: "usr/bin", Linkname: "../bin", Typeflag: tar.TypeSymlink, Mode: 0o777},
			{Name: "opt/sh", Mode: 0o755, Typeflag: tar.TypeReg},
			{Name: "opt/bash", Linkname: "opt/sh", Typeflag: tar.TypeLink, Mode: 0o755},
			{Name: "srv/a/b", Typeflag: tar.TypeReg},
		},
		[]tar.Header{
			{Name: "etc/.wh.motd", Typeflag: tar.TypeReg},
			{Name: "srv/.wh.a", Typeflag: tar.TypeReg},
			{Name: "srv/c", Typeflag: tar.TypeReg},
		},
	))
	must(t, err)
	must(t, e.Tag(ctx, "made", "box"))
	out, errs, _ := runBox(t, e, run.Spec{Args: []string{"sh", "-c", "/usr/bin/echo linked; ls /etc /srv; cat /bin/echo2 | head -c 4 | wc -c; /opt/bash -c 'echo hard'"}}, nil)
	if want := "linked\ngroup\npasswd\nc\n4\nhard\n"; out != want || errs != "" {
		t.Errorf("got %q, %q; want %q", out, errs, want)
	}
}

func TestVolumes(t *testing.T) {
	e := withBox()
	volume := func(options ...string) run.Spec {
		return run.Spec{Mounts: []run.Mount{
			{Type: run.Volume, Source: "data", Target: "/data", Options: options},
			{Type: run.Volume, Target: "/data/own"},
			{Type: run.Tmpfs, Target: "/scratch"},
		}}
	}
	for _, c := range []struct {
		spec      run.Spec
		script    string
		out, errs string
	}{
		{volume(), "echo kept > /data/f; echo lost > /data/own/f; echo lost > /scratch/f; cat /data/own/f /scratch/f", "lost\nlost\n", ""},
		{volume(), "cat /data/f; ls /data/own; ls /scratch", "kept\n", ""},
		{volume("ro"), "echo x > /data/f", "", "open /data/f: read-only file system\n"},
		{run.Spec{ReadOnly: true}, "echo x > /tmp/f", "", "open /tmp/f: read-only file system\n"},
		{run.Spec{}, "echo x > /no/such; echo x > /etc", "", "open /no/such: file does not exist\nopen /etc: is a directory\n"},
	} {
		c.spec.Args = []string{"sh", "-c", c.script}
		out, errs, _ := runBox(t, e, c.spec, nil)
		if out != c.out || errs != c.errs {
			t.Errorf("%s: got %q, %q; want %q, %q", c.script, out, errs, c.out, c.errs)
		}
	}
}

func TestBindMountMustExist(t *testing.T) {
	e := withBox()
	m := run.Mount{Type: run.Bind, Source: filepath.Join(t.TempDir(), "none"), Target: "/x", MustExist: true}
	_, _, err := e.Create(t.Context(), run.Spec{Name: "c", Image: "box", Args: []string{"true"}, Mounts: []run.Mount{m}})
	if !os.IsNotExist(unwrapped(err)) {
		t.Errorf("got error %v, want that the path is not there", err)
	}
	if strings.Contains(e.String(), "container") {
		t.Errorf("something is left:\n%s", e)
	}
}

// unwrapped is the innermost error.
func unwrapped(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestSignalsOfTheFirstProcess(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		spec run.Spec
		code int // 0: it survives
	}{
		{run.Spec{}, 0},
		{run.Spec{Init: true}, 128 + 15},
		{run.Spec{PID: run.Host}, 128 + 15},
	} {
		e := withBox()
		c.spec.Name, c.spec.Image, c.spec.Args = "c", "box", []string{"sleep", "1000"}
		_, _, err := e.Create(ctx, c.spec)
		must(t, err)
		exits, err := e.Wait(ctx, "c")
		must(t, err)
		must(t, e.Start(ctx, "c"))
		must(t, e.Kill(ctx, "c", syscall.SIGWINCH))
		must(t, e.Kill(ctx, "c", syscall.SIGTERM))
		want := c.code
		if want == 0 {
			must(t, e.Kill(ctx, "c", syscall.SIGKILL))
			want = 128 + 9
		}
		if exit := <-exits; exit.Code != want {
			t.Errorf("%+v: ended with %+v, want %d", c.spec, exit, want)
		}
	}
}

func TestTerminal(t *testing.T) {
	for _, c := range []struct{ typed, out string }{
		{"ab\x7fc\r", "ab\b \bc\r\n<ac>\r\n"},
		{"x\x01\r", "x^A\r\n<x\x01>\r\n"},
		{"one\rtwo\n\x04", "one\r\ntwo\r\n<one>\r\n<two>\r\n"},
	} {
		e := withBox()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		script := "while read line; do echo \"<$line>\"; done"
		_, _, err := e.Create(ctx, run.Spec{Name: "c", Image: "box", TTY: true, Stdin: true, Args: []string{"sh", "-c", script}})
		must(t, err)
		s, err := e.Attach(ctx, "c", images.AttachOptions{Stdin: true})
		must(t, err)
		var out bytes.Buffer
		go func() {
			for !strings.Contains(logOf(ctx, e), ">\r\n") && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			e.Stop(ctx, "c", new(time.Duration))
		}()
		// All is typed before the program reads.
		typed := make(chan struct{})
		go func() {
			defer close(typed)
			s.Pipe(ctx, images.Streams{Stdin: strings.NewReader(c.typed), Stdout: &out})
		}()
		for !strings.HasSuffix(logOf(ctx, e), "\n") && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		must(t, e.Start(ctx, "c"))
		<-typed
		if out.String() != c.out {
			t.Errorf("typed %q: got %q, want %q", c.typed, &out, c.out)
		}
	}
}

func logOf(ctx context.Context, e *fake.Engine) string {
	var b bytes.Buffer
	e.Logs(ctx, "c", images.LogOptions{}, &b, &b)
	return b.String()
}

// withLayers adds layers to the one image of an archive.
func withLayers(t *testing.T, archive io.Reader, extra [][]byte) io.Reader {
	t.Helper()
	files := make(map[string][]byte)
	r := tar.NewReader(archive)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		files[h.Name], err = io.ReadAll(r)
		must(t, err)
	}
	var manifest []map[string]any
	must(t, json.Unmarshal(files["manifest.json"], &manifest))
	name := manifest[0]["Config"].(string)
	var config map[string]any
	must(t, json.Unmarshal(files[name], &config))
	root := config["rootfs"].(map[string]any)
	for i, content := range extra {
		file := fmt.Sprintf("extra%d.tar", i)
		files[file] = content
		manifest[0]["Layers"] = append(manifest[0]["Layers"].([]any), file)
		root["diff_ids"] = append(root["diff_ids"].([]any), sha(content))
	}
	var err error
	files[name], err = json.Marshal(config)
	must(t, err)
	files["manifest.json"], err = json.Marshal(manifest)
	must(t, err)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, content := range files {
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(content))}))
		_, err := w.Write(content)
		must(t, err)
	}
	must(t, w.Close())
	return &out
}

func sha(content []byte) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(content))
}
