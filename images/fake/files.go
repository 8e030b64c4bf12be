package fake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/projectatomic/atomic/labels/run"
)

// A tree is files in memory.
type tree struct {
	mu    sync.Mutex
	files fstest.MapFS
}

// A mounted is what lies at a path of a container: a tree or a path of the
// host.
type mounted struct {
	at       string // absolute
	tree     *tree
	host     string
	readOnly bool
}

// files are those a container sees.
type files struct {
	mounts []mounted // the deepest first, the image's last
}

// mount lays out the files of a container.
func (w *world) mount(spec run.Spec, img *image) (*files, error) {
	f := &files{mounts: []mounted{{at: "/", tree: &tree{files: img.root()}, readOnly: spec.ReadOnly}}}
	for _, m := range spec.Mounts {
		at := mounted{at: path.Clean("/" + m.Target), readOnly: slices.Contains(m.Options, "ro") || slices.Contains(m.Options, "readonly")}
		switch {
		case m.Type == run.Bind:
			if _, err := os.Stat(m.Source); err != nil && m.MustExist {
				return nil, fmt.Errorf("mounting at %s: %w", m.Target, err)
			}
			at.host = m.Source
		case m.Type == run.Volume && m.Source != "":
			if w.volumes[m.Source] == nil {
				w.volumes[m.Source] = &tree{files: make(fstest.MapFS)}
			}
			at.tree = w.volumes[m.Source]
		default:
			at.tree = &tree{files: make(fstest.MapFS)}
		}
		f.mounts = append(f.mounts, at)
	}
	slices.SortStableFunc(f.mounts, func(a, b mounted) int { return len(b.at) - len(a.at) })
	return f, nil
}

// place finds the mount that a path is in, and the path within it as package
// io/fs writes it.
func (f *files) place(name string) (mounted, string) {
	name = path.Clean("/" + name)
	for _, m := range f.mounts {
		if rest, ok := strings.CutPrefix(name, m.at); ok && (rest == "" || m.at == "/" || rest[0] == '/') {
			return m, first(strings.Trim(rest, "/"), ".")
		}
	}
	return mounted{}, "." // cannot be: the image is at /
}

// view calls do with the file system that a path is in.
func (f *files) view(name string, do func(fsys fs.FS, name string) error) error {
	m, rest := f.place(name)
	if m.host != "" {
		return do(os.DirFS(m.host), rest)
	}
	m.tree.mu.Lock()
	defer m.tree.mu.Unlock()
	return do(m.tree.files, rest)
}

func (f *files) stat(name string) (info fs.FileInfo, err error) {
	if slices.ContainsFunc(f.mounts, func(m mounted) bool { return m.at == name && m.host == "" }) {
		return fs.Stat(fstest.MapFS{}, ".") // a place to mount at is a directory
	}
	err = f.view(name, func(fsys fs.FS, name string) error {
		info, err = fs.Stat(fsys, name)
		return err
	})
	return info, err
}

func (f *files) read(name string) (data []byte, err error) {
	if name == "/dev/null" {
		return nil, nil
	}
	err = f.view(name, func(fsys fs.FS, name string) error {
		data, err = fs.ReadFile(fsys, name)
		return err
	})
	return bytes.Clone(data), err
}

func (f *files) list(name string) (entries []fs.DirEntry, err error) {
	err = f.view(name, func(fsys fs.FS, name string) error {
		entries, err = fs.ReadDir(fsys, name)
		return err
	})
	return entries, err
}

// write puts content into a file, at its end or instead of what is there.
func (f *files) write(name string, content []byte, add bool) error {
	m, rest := f.place(name)
	refuse := func(err error) error { return &fs.PathError{Op: "open", Path: name, Err: err} }
	switch {
	case m.readOnly:
		return refuse(errors.New("read-only file system"))
	case m.host != "":
		flag := os.O_WRONLY | os.O_CREATE
		if add {
			flag |= os.O_APPEND
		} else {
			flag |= os.O_TRUNC
		}
		file, err := os.OpenFile(filepath.Join(m.host, rest), flag, 0o644)
		if err != nil {
			return err
		}
		_, err = file.Write(content)
		return errors.Join(err, file.Close())
	}
	m.tree.mu.Lock()
	defer m.tree.mu.Unlock()
	if info, err := fs.Stat(m.tree.files, path.Dir(rest)); err != nil || !info.IsDir() {
		return refuse(fs.ErrNotExist)
	}
	if info, err := fs.Stat(m.tree.files, rest); err == nil && info.IsDir() {
		return refuse(errors.New("is a directory"))
	}
	made := &fstest.MapFile{Mode: 0o644}
	if old := m.tree.files[rest]; old != nil {
		made.Mode = old.Mode
		if add {
			made.Data = bytes.Clone(old.Data)
		}
	}
	made.Data = append(made.Data, content...)
	m.tree.files[rest] = made
	return nil
}

// A writing is a file that a program writes; without files it is /dev/null.
type writing struct {
	files *files
	name  string
}

func (w *writing) Read([]byte) (int, error) { return 0, io.EOF }
func (w *writing) Close() error             { return nil }
func (w *writing) Write(p []byte) (int, error) {
	if w.files == nil {
		return len(p), nil
	}
	return len(p), w.files.write(w.name, p, true)
}

// A reading is a file that a program reads.
type reading struct{ io.Reader }

func (reading) Write([]byte) (int, error) { return 0, errors.New("the file is open for reading") }
func (reading) Close() error              { return nil }

// zeroes is /dev/zero.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// open opens a file for a program.
func (f *files) open(name string, flag int) (io.ReadWriteCloser, error) {
	reads := flag&(os.O_WRONLY|os.O_RDWR) == 0
	switch {
	case name == "/dev/null" && !reads:
		return &writing{}, nil
	case name == "/dev/zero":
		return reading{zeroes{}}, nil
	case reads:
		data, err := f.read(name)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: errors.Unwrap(err)}
		}
		return reading{bytes.NewReader(data)}, nil
	}
	if err := f.write(name, nil, flag&os.O_TRUNC == 0); err != nil {
		return nil, err
	}
	return &writing{f, name}, nil
}

// account finds the line of a file such as /etc/passwd whose field has the
// value.
func (f *files) account(file string, field int, value string) []string {
	text, err := f.read(file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) > field && fields[field] == value {
			return fields
		}
	}
	return nil
}

// user reads user[:group], names or numbers.
func (f *files) user(text string) (uid, gid int, err error) {
	userText, groupText, hasGroup := strings.Cut(first(text, "0"), ":")
	entry := f.account("/etc/passwd", 0, userText)
	if entry == nil {
		entry = f.account("/etc/passwd", 2, userText)
	}
	if len(entry) > 3 {
		userText = entry[2]
		if !hasGroup {
			groupText = entry[3]
		}
	}
	if uid, err = strconv.Atoi(userText); err != nil {
		return 0, 0, fmt.Errorf("there is no user %s in the container", userText)
	}
	if group := f.account("/etc/group", 0, groupText); len(group) > 2 {
		groupText = group[2]
	}
	if gid, err = strconv.Atoi(first(groupText, "0")); err != nil {
		return 0, 0, fmt.Errorf("there is no group %s in the container", groupText)
	}
	return uid, gid, nil
}

// home is the directory of a user.
func (f *files) home(uid int) string {
	if entry := f.account("/etc/passwd", 2, strconv.Itoa(uid)); len(entry) > 5 {
		return entry[5]
	}
	return "/"
}
