package enginetest

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ImageOptions describe a test image. The zero value is a busybox that says
// nothing of the process to run but its PATH. Equal options make equal images
// with equal IDs; any difference makes another image.
type ImageOptions struct {
	Labels       map[string]string
	Entrypoint   []string
	Cmd          []string
	Env          []string // added to the PATH that every image has
	User         string
	WorkDir      string
	StopSignal   string
	Architecture string    // empty: this machine's
	Created      time.Time // zero: the first second of 2020
	// Layers lie over busybox's: each is a set of regular files, the content
	// by the absolute path.
	Layers []map[string]string
	// Bare leaves out busybox: the image is its Layers alone, small, and nothing
	// in it can run.
	Bare bool
}

// Paths in every test image that are there but are no programs.
const (
	plainFile = "/etc/motd"
	plainDir  = "/etc"
)

// imagePath is the search path in every test image.
const imagePath = "PATH=/usr/local/bin:/usr/bin:/bin"

// epoch is when test images were made, so that equal options give equal IDs.
var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Archive is a docker-archive, as "docker save" writes them, of one test
// image. The name is spelled in it as given, with ":latest" when it has no
// tag; an empty name gives an archive of an image without one.
func Archive(name string, o ImageOptions) ([]byte, error) {
	img, err := image(o, busyboxTar, asTar)
	if err != nil {
		return nil, err
	}
	ref, err := archiveName(name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if !o.Bare {
		b.Grow(3 << 20)
	}
	if err := tarball.Write(ref, img, &b); err != nil {
		return nil, fmt.Errorf("writing the archive of %q: %w", name, err)
	}
	return b.Bytes(), nil
}

// archiveName is name as the tarball package takes it: what is no tag there
// is written without a name.
func archiveName(text string) (name.Reference, error) {
	if text == "" {
		return name.NewDigest("nameless@sha256:" + strings.Repeat("0", 64))
	}
	return name.NewTag(text)
}

// Image is the test image itself, for a registry or a changed archive.
func Image(o ImageOptions) (v1.Image, error) { return image(o, busyboxGzip, asGzip) }

// image makes an image whose layers are in the form that its use wants.
func image(o ImageOptions, busybox func() (v1.Layer, error), form func([]byte) (v1.Layer, error)) (v1.Image, error) {
	var layers []v1.Layer
	if !o.Bare {
		base, err := busybox()
		if err != nil {
			return nil, err
		}
		layers = append(layers, base)
	}
	for _, files := range o.Layers {
		content, err := fileLayer(files)
		if err != nil {
			return nil, err
		}
		l, err := form(content)
		if err != nil {
			return nil, fmt.Errorf("making a layer: %w", err)
		}
		layers = append(layers, l)
	}
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, fmt.Errorf("adding layers to a test image: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS = "linux"
	file.Architecture = runtime.GOARCH
	if o.Architecture != "" {
		file.Architecture = o.Architecture
	}
	file.Created = v1.Time{Time: epoch}
	if !o.Created.IsZero() {
		file.Created = v1.Time{Time: o.Created}
	}
	file.Config = v1.Config{
		Labels:     o.Labels,
		Entrypoint: o.Entrypoint,
		Cmd:        o.Cmd,
		Env:        append([]string{imagePath}, o.Env...),
		User:       o.User,
		WorkingDir: o.WorkDir,
		StopSignal: o.StopSignal,
	}
	return mutate.ConfigFile(img, file)
}

// The busybox layer is made once for the whole process: compressing and hashing
// two megabytes for each image is what would take the most time of a suite.
var (
	busyboxTar  = sync.OnceValues(func() (v1.Layer, error) { return busyboxLayer(asTar) })
	busyboxGzip = sync.OnceValues(func() (v1.Layer, error) { return busyboxLayer(asGzip) })
)

func busyboxLayer(form func([]byte) (v1.Layer, error)) (v1.Layer, error) {
	program, err := busybox()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []string{"bin", "dev", "etc", "home", "proc", "root", "sys"} {
		err = errors.Join(err, add(w, tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}, nil))
	}
	err = errors.Join(err,
		add(w, tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil),
		add(w, tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, program),
	)
	for _, applet := range applets {
		err = errors.Join(err, add(w, tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox", Mode: 0o777}, nil))
	}
	err = errors.Join(err,
		add(w, tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte(passwdFile)),
		add(w, tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644}, []byte(groupFile)),
		add(w, tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(plainFile, "/"), Mode: 0o644}, []byte("hello\n")),
		w.Close())
	if err != nil {
		return nil, fmt.Errorf("writing the busybox layer: %w", err)
	}
	return form(b.Bytes())
}

const (
	passwdFile = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002:app:/home:/bin/sh\n"
	groupFile  = "root:x:0:\napp:x:1002:\n"
)

// applets are the names under which busybox is found in the test image.
var applets = []string{
	"cat", "echo", "env", "false", "head", "hostname", "id", "kill", "ls", "printf", "pwd",
	"sh", "sleep", "stty", "test", "true", "wc",
}

// busybox reads the statically linked busybox of this machine.
func busybox() ([]byte, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/bin", "/usr/bin") {
		path := filepath.Join(dir, "busybox")
		f, err := elf.Open(path)
		if err != nil {
			continue
		}
		static := !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
		f.Close()
		if static {
			return os.ReadFile(path)
		}
	}
	return nil, errors.New("no statically linked busybox in PATH (Debian's package is busybox-static)")
}

// fileLayer is a layer of regular files, in the order of their names.
func fileLayer(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		h := tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(path, "/"), Mode: 0o644}
		if err := add(w, h, []byte(files[path])); err != nil {
			return nil, fmt.Errorf("writing %q into a layer: %w", path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// add writes one entry, owned by root and made at the epoch.
func add(w *tar.Writer, h tar.Header, content []byte) error {
	h.Size, h.ModTime = int64(len(content)), epoch
	if err := w.WriteHeader(&h); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// asTar is a layer as "docker save" writes them.
func asTar(content []byte) (v1.Layer, error) {
	return static.NewLayer(content, types.DockerUncompressedLayer), nil
}

// asGzip is a layer as registries have them.
func asGzip(content []byte) (v1.Layer, error) {
	return tarball.LayerFromOpener(opener(content), tarball.WithCompressionLevel(1), tarball.WithCompressedCaching)
}

func opener(content []byte) tarball.Opener {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}
