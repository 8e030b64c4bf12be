package fake

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/images"
)

// manifestName is where a docker-archive tells what is in it.
const manifestName = "manifest.json"

// An archived is one image in a docker-archive, as its manifest has it.
type archived struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// Save is images.Engine's.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) error {
	err := e.call(ctx, "Save", func(ctx context.Context) error {
		var manifest []archived
		files := make(map[string][]byte)
		for _, ref := range refs {
			if err := e.world.pack(ref, &manifest, files); err != nil {
				return err
			}
		}
		return writeArchive(ctx, w, manifest, files)
	})
	return about(err, "saving %q", refs)
}

// pack adds an image to what is to be archived.
func (w *world) pack(ref string, manifest *[]archived, files map[string][]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	img, err := w.image(ref)
	if err != nil {
		return err
	}
	var tags []string
	if name, err := normalize(ref); err == nil && w.names[name] == img.id {
		tags = []string{name}
	}
	hex := strings.TrimPrefix(img.id, "sha256:")
	i := slices.IndexFunc(*manifest, func(a archived) bool { return a.Config == hex+".json" })
	if i >= 0 {
		(*manifest)[i].RepoTags = append((*manifest)[i].RepoTags, tags...)
		return nil
	}
	entry := archived{Config: hex + ".json", RepoTags: tags}
	files[entry.Config] = img.raw
	for _, l := range img.layers {
		name := l.diffID.Hex + "/layer.tar"
		files[name] = l.content
		entry.Layers = append(entry.Layers, name)
	}
	*manifest = append(*manifest, entry)
	return nil
}

// writeArchive writes the manifest last, as Docker does.
func writeArchive(ctx context.Context, w io.Writer, manifest []archived, files map[string][]byte) error {
	t := tar.NewWriter(until(ctx, w))
	written := make(map[string]bool)
	put := func(name string, content []byte) error {
		if written[name] {
			return nil
		}
		written[name] = true
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := t.Write(content)
		return err
	}
	for _, img := range manifest {
		for _, name := range append(img.Layers, img.Config) {
			if err := put(name, files[name]); err != nil {
				return err
			}
		}
	}
	raw, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := put(manifestName, raw); err != nil {
		return err
	}
	return t.Close()
}

// A writerFunc is a function that is a writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// until writes until the context ends.
func until(ctx context.Context, w io.Writer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		n, err := w.Write(p)
		if err == nil {
			err = ctx.Err()
		}
		return n, err
	})
}

// Load is images.Engine's.
func (e *Engine) Load(ctx context.Context, r io.Reader) ([]string, error) {
	var brought []string
	err := e.call(ctx, "Load", func(ctx context.Context) error {
		files, err := readSoon(ctx, r)
		if err != nil {
			return err
		}
		brought, err = e.world.load(files)
		return err
	})
	return brought, about(err, "loading an archive")
}

// readSoon reads an archive, or until the context ends; the reader may then
// still be waiting for something.
func readSoon(ctx context.Context, r io.Reader) (map[string][]byte, error) {
	var files map[string][]byte
	done := make(chan error, 1)
	go func() {
		var err error
		files, err = readArchive(r)
		done <- err
	}()
	select {
	case err := <-done:
		return files, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// load takes in all images of an archive, or none.
func (w *world) load(files map[string][]byte) ([]string, error) {
	var manifest []archived
	if err := json.Unmarshal(files[manifestName], &manifest); err != nil {
		return nil, fmt.Errorf("reading %s: %w", manifestName, err)
	}
	found := make([]*image, len(manifest))
	for i, entry := range manifest {
		img, err := w.unpack(entry, files)
		if err != nil {
			return nil, err
		}
		found[i] = img
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var brought []string
	for i, img := range found {
		img = w.addImage(img)
		for _, tag := range manifest[i].RepoTags {
			name, err := normalize(tag)
			if err != nil {
				return nil, err
			}
			w.addName(img, name)
			brought = append(brought, name)
		}
		if len(manifest[i].RepoTags) == 0 {
			brought = append(brought, img.id)
		}
		w.tell(images.Event{Type: "image", Action: "load", ID: img.id})
	}
	return brought, nil
}

// unpack makes an image of files of an archive.
func (w *world) unpack(entry archived, files map[string][]byte) (*image, error) {
	var layers []*layer
	for _, name := range entry.Layers {
		blob, ok := files[path.Clean(name)]
		if !ok {
			return nil, fmt.Errorf("there is no layer %s in the archive", name)
		}
		l, err := w.layerOf(blob)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	raw, ok := files[path.Clean(entry.Config)]
	if !ok {
		return nil, fmt.Errorf("there is no configuration %s in the archive", entry.Config)
	}
	return newImage(raw, layers)
}

// readArchive reads a tar archive of files and links between them.
func readArchive(from io.Reader) (map[string][]byte, error) {
	files := make(map[string][]byte)
	links := make(map[string]string)
	r := tar.NewReader(from)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeSymlink:
			links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			links[name] = path.Clean(h.Linkname)
		case tar.TypeReg:
			files[name] = make([]byte, h.Size)
			if _, err := io.ReadFull(r, files[name]); err != nil {
				return nil, err
			}
		}
	}
	if _, err := io.Copy(io.Discard, from); err != nil { // what follows the end is padding
		return nil, err
	}
	for name, target := range links {
		files[name] = files[target]
	}
	if files[manifestName] == nil {
		return nil, errors.New("this is no docker-archive: there is no " + manifestName)
	}
	return files, nil
}
