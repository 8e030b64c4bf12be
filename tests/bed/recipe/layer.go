package recipe

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// An index is what the layer below has, as far as it matters for putting files
// on top: a layer that names a folder where the one below has a symbolic link,
// such as /bin, would hide all that is behind it.
type index struct {
	folders map[string]*tar.Header
	links   map[string]string
}

func readIndex(file string) (index, error) {
	x := index{folders: map[string]*tar.Header{}, links: map[string]string{}}
	f, err := os.Open(file)
	if err != nil {
		return x, err
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return x, nil
		}
		if err != nil {
			return x, fmt.Errorf("reading %q: %w", file, err)
		}
		switch name := path.Clean("/" + h.Name); h.Typeflag {
		case tar.TypeDir:
			x.folders[name] = h
		case tar.TypeSymlink:
			x.links[name] = h.Linkname
		}
	}
}

// resolve follows the symbolic links in the folders of name; the last element
// is what is to be replaced.
func (x index) resolve(name string) (string, error) {
	const most = 40
	folder := "/"
	rest := strings.TrimPrefix(path.Clean(name), "/")
	for followed := 0; ; {
		first, after, more := strings.Cut(rest, "/")
		next := path.Join(folder, first)
		if !more {
			return next, nil
		}
		target, ok := x.links[next]
		if !ok {
			folder, rest = next, after
			continue
		}
		if followed++; followed > most {
			return "", fmt.Errorf("%q: too many symbolic links", name)
		}
		if !path.IsAbs(target) {
			target = path.Join(folder, target)
		}
		folder, rest = "/", strings.TrimPrefix(path.Join(target, after), "/")
	}
}

// A layer is a tar archive in the making.
type layer struct {
	below   index
	buf     bytes.Buffer
	w       *tar.Writer
	written map[string]bool
	created time.Time
}

// copies makes the archive of all that the Containerfile copies from dir.
func copies(c Containerfile, dir string, below index, created time.Time) ([]byte, error) {
	l := &layer{below: below, written: map[string]bool{}, created: created}
	l.w = tar.NewWriter(&l.buf)
	for _, cp := range c.Copies {
		for _, source := range cp.Sources {
			target := cp.Target
			if strings.HasSuffix(target, "/") {
				target = path.Join(target, path.Base(source))
			}
			if err := l.file(filepath.Join(dir, source), target); err != nil {
				return nil, fmt.Errorf("copying %q: %w", source, err)
			}
		}
	}
	if err := l.w.Close(); err != nil {
		return nil, err
	}
	return l.buf.Bytes(), nil
}

// file adds a regular file, owned by root. Of its mode only "executable" is
// looked at, as that is what git keeps.
func (l *layer) file(source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	name, err := l.below.resolve(target)
	if err != nil {
		return err
	}
	if err := l.parents(path.Dir(name)); err != nil {
		return err
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	err = l.w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name[1:], Mode: mode,
		Size: int64(len(text)), ModTime: l.created, Uname: "root", Gname: "root",
	})
	if err != nil {
		return err
	}
	_, err = l.w.Write(text)
	return err
}

// parents names the folders above a file, as the layer below has them: engines
// make a folder that is not named with modes of their own.
func (l *layer) parents(folder string) error {
	if folder == "/" || l.written[folder] {
		return nil
	}
	if err := l.parents(path.Dir(folder)); err != nil {
		return err
	}
	l.written[folder] = true
	h := tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: l.created, Uname: "root", Gname: "root"}
	if below, ok := l.below.folders[folder]; ok {
		h = *below
	}
	h.Name = folder[1:] + "/"
	return l.w.WriteHeader(&h)
}
