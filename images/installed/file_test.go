package installed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
)

func TestCorrupt(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"truncated":     {`{"a": [`, "byte 7: unexpected end"},
		"not JSON":      {"{\n\"a\": nope}", "byte 9: invalid character"},
		"more than one": {`{} {}`, "byte 4: invalid character"},
		"a list":        {`[]`, "byte 1: json: cannot unmarshal array"},
		"not UTF-8":     {"{\"a\": \"\xff\"}", "byte 7: not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := given(t, test.text)
			_, matchErr := r.Match(images.Image{ID: idA}, "a")
			for call, err := range map[string]error{
				"Match":  matchErr,
				"Check":  r.Check(),
				"Add":    r.Add(t.Context(), "a", Entry{ID: idA}),
				"Remove": r.Remove(t.Context(), Found{Keys: []string{"a"}}),
			} {
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), r.path) {
					t.Errorf("%s: got %v", call, err)
				}
			}
			if got := content(t, r); got != test.text {
				t.Errorf("the file became %q", got)
			}
		})
	}
}

// files gives the names in the directory of the records.
func files(t *testing.T, r Records) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(r.path))
	noError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCheck(t *testing.T) {
	r := Open(filepath.Join(t.TempDir(), "lib", "atomic", "install.json"))
	noError(t, r.Check())
	if diff := cmp.Diff([]string{"install.json.lock"}, files(t, r)); diff != "" {
		t.Error(diff)
	}
	r = given(t, `{"a":[]}`)
	noError(t, r.Check())
	if got := content(t, r); got != `{"a":[]}` {
		t.Errorf("the file became %q", got)
	}
	if diff := cmp.Diff([]string{"install.json", "install.json.lock"}, files(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestCheckFails(t *testing.T) {
	dir := t.TempDir()
	noError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	noError(t, os.MkdirAll(filepath.Join(dir, "locked.lock"), 0o755))
	noError(t, os.MkdirAll(filepath.Join(dir, "directory"), 0o755))
	for path, want := range map[string]string{
		"file/install.json": "making the directory of the install records: ",
		"locked":            "locking the install records with ",
		"directory":         "reading the install records: ",
	} {
		if err := Open(filepath.Join(dir, path)).Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := os.Stat("/proc/self"); err == nil { // nobody can make a file there
		if err := Open("/proc/self/install.json").Check(); err == nil {
			t.Error("a file in /proc can be written")
		}
	}
}

func TestLocked(t *testing.T) {
	r := given(t, `{}`)
	r.wait = 50 * time.Millisecond
	other := flock.New(r.path + ".lock")
	noError(t, other.Lock())

	err := r.Add(t.Context(), "a", Entry{ID: idA})
	if err == nil || !strings.Contains(err.Error(), r.path+".lock") || !strings.Contains(err.Error(), "another process has held it for 50ms") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the caller's time was not over")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.wait = time.Hour
	if err := r.Add(ctx, "a", Entry{ID: idA}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if _, err := r.Match(images.Image{}, "a"); err != nil {
		t.Errorf("reading needs no lock: %v", err)
	}

	added := make(chan error)
	go func() { added <- r.Add(t.Context(), "a", Entry{ID: idA}) }()
	noError(t, other.Unlock())
	noError(t, <-added)
}

// What an interrupted atomic left behind is not in the way.
func TestLeftovers(t *testing.T) {
	r := given(t, `{"a": [{"id": "x"}]}`)
	for _, name := range []string{r.path + ".lock", filepath.Join(filepath.Dir(r.path), ".install.json123")} {
		noError(t, os.WriteFile(name, []byte("half"), 0o600))
	}
	noError(t, r.Add(t.Context(), "b", Entry{ID: idA}))
	doc, err := r.read()
	noError(t, err)
	if diff := cmp.Diff([]string{"a", "b"}, doc.keys()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{".install.json123", "install.json", "install.json.lock"}, files(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestOwner(t *testing.T) {
	r := given(t, "")
	if err := os.Chown(r.path, 7, 8); err != nil {
		t.Skip("needs root: ", err)
	}
	noError(t, r.Check())
	noError(t, r.Add(t.Context(), "a", Entry{ID: idA}))
	info, err := os.Stat(r.path)
	noError(t, err)
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 7 || owner.Gid != 8 {
		t.Errorf("the owner became %d:%d", owner.Uid, owner.Gid)
	}
}

func TestSymlink(t *testing.T) {
	real := given(t, `{}`)
	link := filepath.Join(t.TempDir(), "install.json")
	noError(t, os.Symlink(real.path, link))
	noError(t, Open(link).Add(t.Context(), "a", Entry{ID: idA}))
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v, %v", info, err)
	}
	if !strings.Contains(content(t, real), idA) {
		t.Error("nothing was written behind the link")
	}
}

// addMany records as one of several writers.
func addMany(ctx context.Context, r Records, writer string, n int) error {
	for i := range n {
		if err := r.Add(ctx, "shared", Entry{idA, fmt.Sprintf("%s-%d", writer, i), ""}); err != nil {
			return err
		}
	}
	return nil
}

func TestConcurrentWriters(t *testing.T) {
	const goroutines, processes, each = 4, 3, 10
	r := given(t, "")
	errs := make([]error, goroutines+processes)
	var writers sync.WaitGroup
	for i := range errs {
		writers.Go(func() {
			writer := fmt.Sprint(i)
			if i < goroutines {
				errs[i] = addMany(t.Context(), r, writer, each)
				return
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriterProcess$")
			cmd.Env = append(os.Environ(), "WRITER_FILE="+r.path, "WRITER="+writer, "WRITES="+fmt.Sprint(each))
			out, err := cmd.CombinedOutput()
			if err != nil {
				errs[i] = fmt.Errorf("%w: %s", err, out)
			}
		})
	}
	writers.Wait()
	noError(t, errors.Join(errs...))
	doc, err := r.read()
	noError(t, err)
	names := map[string]bool{}
	for _, e := range doc.entries("shared") {
		names[e.ContainerName] = true
	}
	if want := (goroutines + processes) * each; len(names) != want || len(doc.entries("shared")) != want {
		t.Errorf("%d records of %d, want %d", len(names), len(doc.entries("shared")), want)
	}
	if diff := cmp.Diff([]string{"install.json", "install.json.lock"}, files(t, r)); diff != "" {
		t.Error(diff)
	}
}

// TestWriterProcess is another process of TestConcurrentWriters.
func TestWriterProcess(t *testing.T) {
	path := os.Getenv("WRITER_FILE")
	if path == "" {
		t.Skip("not started by another test")
	}
	var n int
	if _, err := fmt.Sscan(os.Getenv("WRITES"), &n); err != nil {
		t.Fatal(err)
	}
	noError(t, addMany(t.Context(), Open(path), os.Getenv("WRITER"), n))
}

// Readers never see half a file.
func TestReadWhileWriting(t *testing.T) {
	r := given(t, "")
	done := make(chan error)
	go func() { done <- addMany(t.Context(), r, "w", 50) }()
	for seen := 0; ; {
		found, err := r.Match(images.Image{ID: idA}, "x")
		noError(t, err)
		if len(found) < seen {
			t.Fatalf("%d records after %d", len(found), seen)
		}
		seen = len(found)
		select {
		case err := <-done:
			noError(t, err)
			return
		default:
		}
	}
}

// Whatever is read survives an install and its end.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", `{"a": {"install_id": "x"}}`, `{"a": [1, null, {"id": 1}], "b": 1e999, "c": "\ud800"}`,
		`{"etcd": [{"id": "i", "container_name": "c", "x": {"y": "<"}}], "etcd:latest": []}`, "{\"a\": \"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := parse(data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "byte ") {
				t.Errorf("error without a place: %q", err)
			}
			return
		}
		e := Entry{"new-id", "new-name", "D"}
		key := doc.spelling("new.example/key:1")
		added, err := doc.add(key, e)
		if err != nil {
			if list, listErr := doc.list(key); listErr == nil {
				t.Fatalf("%v, though there is %s", err, list)
			}
			return
		}
		if again := reread(t, added); !slices.Contains(again.entries(key), e) {
			t.Errorf("the record is not in %q", again[key])
		}
		removed, err := reread(t, added).remove(Found{[]string{key}, e})
		noError(t, err)
		want, got := reread(t, doc), reread(t, removed)
		delete(want, key)
		delete(got, key)
		if !maps.EqualFunc(want, got, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
			t.Errorf("%s became %s", want, got)
		}
	})
}

// reread writes a document and reads it.
func reread(t *testing.T, doc document) document {
	t.Helper()
	data, err := doc.encode()
	noError(t, err)
	again, err := parse(data)
	noError(t, err)
	return again
}
