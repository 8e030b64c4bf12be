package recipe

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Write assembles the image of the Containerfile in dir and writes it to file
// as a docker-archive. rootfs is the archive that ADD names. It returns the
// image's ID, sha256:…, which is the same whenever the files are.
func Write(file, reference, dir, rootfs string) (id string, err error) {
	ref, err := name.NewTag(reference, name.WeakValidation)
	if err != nil {
		return "", err
	}
	image, err := assemble(dir, rootfs)
	if err != nil {
		return "", fmt.Errorf("assembling %q: %w", reference, err)
	}
	if err := writeArchive(file, ref, image); err != nil {
		return "", fmt.Errorf("writing %q: %w", reference, err)
	}
	hash, err := image.ConfigName()
	if err != nil {
		return "", err
	}
	return hash.String(), nil
}

func assemble(dir, rootfs string) (v1.Image, error) {
	f, err := os.Open(filepath.Join(dir, "Containerfile"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	below, err := readIndex(rootfs)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(rootfs)
	if err != nil {
		return nil, err
	}
	// Not when the image was made: the next one would be another.
	created := info.ModTime().UTC().Truncate(time.Second)
	top, err := copies(c, dir, below, created)
	if err != nil {
		return nil, err
	}
	bottom, err := newPlain(func() (io.ReadCloser, error) { return os.Open(rootfs) })
	if err != nil {
		return nil, err
	}
	over, err := newPlain(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(top)), nil })
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, bottom, over)
	if err != nil {
		return nil, err
	}
	made, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, config(c, made.RootFS, created))
}

func writeArchive(file string, ref name.Tag, image v1.Image) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := tarball.Write(ref, image, f); err != nil {
		_ = f.Close() // the first error is the one that matters
		return err
	}
	return f.Close()
}

func config(c Containerfile, layers v1.RootFS, created time.Time) *v1.ConfigFile {
	return &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: created},
		RootFS:       layers,
		History: []v1.History{
			{Created: v1.Time{Time: created}, CreatedBy: "ADD " + c.Rootfs + " /"},
			{Created: v1.Time{Time: created}, CreatedBy: "COPY"},
		},
		Config: v1.Config{
			Labels:     c.Labels,
			Env:        c.Env,
			Cmd:        c.Cmd,
			Entrypoint: c.Entrypoint,
		},
	}
}
