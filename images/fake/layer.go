package fake

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/projectatomic/atomic/images"
)

// A layer is a part of the files of images.
type layer struct {
	content []byte // a tar archive, not compressed
	diffID  v1.Hash
	files   fstest.MapFS
	hidden  []string // what layers below have and this one takes away
}

// digest is that of a blob, sha256:….
func digest(p []byte) string {
	sum := sha256.Sum256(p)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// layerOf reads a layer, compressed or not. Layers that are known are not read
// again.
func (w *world) layerOf(blob []byte) (*layer, error) {
	key := digest(blob)
	w.mu.Lock()
	known := w.layers[key]
	w.mu.Unlock()
	if known != nil {
		return known, nil
	}
	l, err := readLayer(blob)
	if err != nil {
		return nil, fmt.Errorf("reading layer %s: %w", key, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.layers[key] = l
	w.layers[l.diffID.String()] = l
	return l, nil
}

func readLayer(blob []byte) (*layer, error) {
	l := &layer{content: blob, files: make(fstest.MapFS)}
	if bytes.HasPrefix(blob, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(blob))
		if err != nil {
			return nil, err
		}
		if l.content, err = io.ReadAll(z); err != nil {
			return nil, err
		}
	}
	hash, err := v1.NewHash(digest(l.content))
	if err != nil {
		return nil, err
	}
	l.diffID = hash
	r := tar.NewReader(bytes.NewReader(l.content))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return l, nil
		}
		if err != nil {
			return nil, err
		}
		if err := l.addFile(h, r); err != nil {
			return nil, err
		}
	}
}

// addFile takes in one entry of the archive.
func (l *layer) addFile(h *tar.Header, r io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	dir, base := path.Split(name)
	if gone, ok := strings.CutPrefix(base, ".wh."); ok {
		l.hidden = append(l.hidden, path.Join(dir, gone)) // .wh..opq hides a name nobody has
		return nil
	}
	if name == "" {
		return nil
	}
	f := &fstest.MapFile{Mode: h.FileInfo().Mode(), ModTime: h.ModTime}
	switch h.Typeflag {
	case tar.TypeSymlink:
		f.Data = []byte(within(dir, h.Linkname))
	case tar.TypeLink:
		target := l.files[strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")]
		if target == nil {
			return fmt.Errorf("%s is a link to %s, which is not there", h.Name, h.Linkname)
		}
		f = target
	default:
		f.Data = make([]byte, h.Size)
		if _, err := io.ReadFull(r, f.Data); err != nil {
			return err
		}
	}
	l.files[name] = f
	return nil
}

// within makes the absolute target of a link relative to the link's directory,
// as file systems of package io/fs have them.
func within(dir, target string) string {
	if !path.IsAbs(target) {
		return target
	}
	up := strings.Repeat("../", strings.Count(dir, "/"))
	return path.Clean(up + strings.TrimPrefix(target, "/"))
}

// root is the files of an image.
func (img *image) root() fstest.MapFS {
	root := make(fstest.MapFS)
	for _, l := range img.layers {
		for _, name := range l.hidden {
			maps.DeleteFunc(root, func(have string, _ *fstest.MapFile) bool {
				return have == name || strings.HasPrefix(have, name+"/")
			})
		}
		maps.Copy(root, l.files)
	}
	return root
}

// AddImage makes an image and returns its ID. Of img it takes Names, Labels,
// Config, Created, Architecture and OS. The image has the engine's programs,
// among them those of WithProgram, in /bin.
func (e *Engine) AddImage(img images.Image) string {
	built, err := e.world.build(img)
	if err != nil {
		panic(fmt.Sprintf("making an image for a test: %v", err))
	}
	return built.id
}

func (w *world) build(img images.Image) (*image, error) {
	l, err := w.programLayer()
	if err != nil {
		return nil, err
	}
	if img.OS == "" {
		img.OS = "linux"
	}
	if img.Architecture == "" {
		img.Architecture = "amd64"
	}
	raw, err := json.Marshal(v1.ConfigFile{
		OS:           img.OS,
		Architecture: img.Architecture,
		Created:      v1.Time{Time: img.Created.UTC().Truncate(time.Second)},
		RootFS:       v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{l.diffID}},
		Config: v1.Config{
			Labels:     img.Labels,
			Entrypoint: img.Config.Entrypoint,
			Cmd:        img.Config.Cmd,
			Env:        img.Config.Env,
			User:       img.Config.User,
			WorkingDir: img.Config.WorkDir,
			StopSignal: img.Config.StopSignal,
		},
	})
	if err != nil {
		return nil, err
	}
	made, err := newImage(raw, []*layer{l})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, text := range img.Names {
		name, nameErr := normalize(text)
		err = errors.Join(err, nameErr)
		names = append(names, name)
	}
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	made = w.addImage(made)
	for _, name := range names {
		w.addName(made, name)
	}
	return made, nil
}

// programLayer is a layer with an executable file for each program, and the
// directories that programs expect.
func (w *world) programLayer() (*layer, error) {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	put := func(name string, mode fs.FileMode, kind byte, content string) error {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: int64(mode), Typeflag: kind, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := io.WriteString(t, content)
		return err
	}
	var err error
	for _, dir := range []string{"bin/", "etc/", "root/", "tmp/"} {
		err = errors.Join(err, put(dir, 0o755, tar.TypeDir, ""))
	}
	for _, name := range slices.Sorted(maps.Keys(w.programs)) {
		err = errors.Join(err, put("bin/"+name, 0o755, tar.TypeReg, ""))
	}
	err = errors.Join(err,
		put("etc/passwd", 0o644, tar.TypeReg, "root:x:0:0:root:/root:/bin/sh\n"),
		put("etc/group", 0o644, tar.TypeReg, "root:x:0:\n"),
		t.Close())
	if err != nil {
		return nil, err
	}
	return w.layerOf(b.Bytes())
}
