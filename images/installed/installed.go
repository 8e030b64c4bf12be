// Package installed keeps the records of the images that were installed on
// this host. The file is that of the original atomic, and what others put in
// it is kept:
//
//	{
//	    "docker.io/library/etcd:latest": [
//	        {
//	            "container_name": "etcd",
//	            "id": "5f2b…",
//	            "install_date": "2017-03-01 12:00:00"
//	        }
//	    ]
//	}
package installed

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/projectatomic/atomic/images"
)

// An Entry is one install of an image.
type Entry struct {
	ID            string `json:"id"` // of the image
	ContainerName string `json:"containerName"`
	InstallDate   string `json:"installDate"` // as Date spells it
}

// is tells whether two entries under names of one image are about the same
// install. There is only one container of a name, so another ID is that of an
// older version of the image.
func (e Entry) is(other Entry) bool {
	if e.ContainerName == "" && other.ContainerName == "" {
		return bareID(e.ID) == bareID(other.ID)
	}
	return e.ContainerName == other.ContainerName
}

// Found is an install and where it is recorded.
type Found struct {
	Keys  []string // names of the image, in the file's spelling
	Entry Entry
}

// Records are the records in a file. They may be used by any number of
// goroutines and processes.
type Records struct {
	path string
	wait time.Duration // for the lock
}

// Path gives the place of the file: $ATOMIC_INSTALL_JSON, or install.json in
// $ATOMIC_VAR_LIB or /var/lib/atomic.
func Path(getenv func(string) string) string {
	if path := getenv("ATOMIC_INSTALL_JSON"); path != "" {
		return path
	}
	dir := getenv("ATOMIC_VAR_LIB")
	if dir == "" {
		dir = "/var/lib/atomic"
	}
	return filepath.Join(dir, "install.json")
}

// Date spells a time as the file has it, in UTC.
func Date(t time.Time) string { return t.UTC().Format(time.DateTime) }

// Open names the file. It need not be there.
func Open(path string) Records { return Records{path, lockTimeout} }

// Check makes sure that Add will be able to write: it makes the directory,
// takes the lock, reads the file and writes it again beside the old one,
// without replacing that. Call it before the host is changed.
func (r Records) Check() error {
	return r.update(context.Background(), func(doc document) (document, error) { return doc, nil }, rehearse)
}

// Add records an install under key, a name of the image. If the image is
// recorded under another spelling of the name already, that one is used. The
// same container name replaces its earlier record, of an older version of the
// image too; what others wrote into that stays.
func (r Records) Add(ctx context.Context, key string, e Entry) error {
	return r.update(ctx, func(doc document) (document, error) { return doc.add(key, e) }, replace)
}

// Remove forgets an install. One that is not recorded is no error.
func (r Records) Remove(ctx context.Context, f Found) error {
	return r.update(ctx, func(doc document) (document, error) { return doc.remove(f) }, replace)
}

// Match gives the installs of an image: those recorded with its ID, under the
// name that the user typed, or under one of its names in any spelling. If there
// are none, a recorded name without a registry stands for that name in any
// registry: which one it was, the engine knew. An install that is recorded
// under several names is given once.
func (r Records) Match(img images.Image, typed string) ([]Found, error) {
	doc, err := r.read()
	if err != nil {
		return nil, err
	}
	names, short := map[string]bool{typed: true}, map[string]bool{}
	for _, name := range slices.Concat([]string{typed}, img.Names, img.Digests) {
		names[name] = true
		names[normal(name)] = true
		short[normal(withoutRegistry(name))] = true
	}
	var found, likely []Found
	for _, key := range doc.keys() {
		byName := names[key] || names[normal(key)] || sameID(key, img.ID)
		byShort := short[normal(key)] && withoutRegistry(key) == key
		for _, e := range doc.entries(key) {
			switch {
			case byName, sameID(e.ID, img.ID):
				found = note(found, key, e)
			case byShort:
				likely = note(likely, key, e)
			}
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return likely, nil
}

// note adds an entry to what was found.
func note(found []Found, key string, e Entry) []Found {
	i := slices.IndexFunc(found, func(f Found) bool { return f.Entry.is(e) })
	if i < 0 {
		return append(found, Found{Keys: []string{key}, Entry: e})
	}
	if !slices.Contains(found[i].Keys, key) {
		found[i].Keys = append(found[i].Keys, key)
	}
	return found
}

// normal gives the full spelling of a reference, so that etcd and
// docker.io/library/etcd:latest compare equal. What is not a reference, such
// as an ID, is its own.
func normal(name string) string {
	ref, err := reference.ParseDockerRef(name)
	if err != nil {
		return name
	}
	return ref.String()
}

// withoutRegistry takes the registry off a reference that names one.
func withoutRegistry(name string) string {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return strings.TrimPrefix(name, reference.Domain(ref)+"/")
}

func bareID(id string) string { return strings.TrimPrefix(id, "sha256:") }

// sameID compares IDs, which Docker spells with the algorithm and Podman
// without.
func sameID(a, b string) bool { return a != "" && bareID(a) == bareID(b) }
