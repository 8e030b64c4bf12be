package installed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// How long to wait for another process to finish with the file, and how often
// to look.
const (
	lockTimeout = 10 * time.Second
	lockRetry   = 20 * time.Millisecond
)

// read reads the file, without the lock: it is replaced as a whole. One that
// is not there is empty.
func (r Records) read() (document, error) {
	data, err := os.ReadFile(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the install records: %w", err)
	}
	doc, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("install records %q: %w", r.path, err)
	}
	return doc, nil
}

// A finish ends an update: it makes the new file count, or not.
type finish func(*renameio.PendingFile) error

func replace(f *renameio.PendingFile) error { return f.CloseAtomicallyReplace() }

func rehearse(f *renameio.PendingFile) error { return f.Sync() }

// update changes the file under the lock.
func (r Records) update(ctx context.Context, edit func(document) (document, error), end finish) (err error) {
	// The directory comes first: the lock is in it too.
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return fmt.Errorf("making the directory of the install records: %w", err)
	}
	lock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	doc, err := r.read()
	if err != nil {
		return err
	}
	doc, err = edit(doc)
	if err != nil {
		return fmt.Errorf("install records %q: %w", r.path, err)
	}
	if err := r.write(doc, end); err != nil {
		return fmt.Errorf("writing the install records %q: %w", r.path, err)
	}
	return nil
}

// lock takes the lock, which the original atomic takes too. Its file stays: to
// remove it would leave a waiting process with a lock of its own.
func (r Records) lock(ctx context.Context) (*flock.Flock, error) {
	limited, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	lock := flock.New(r.path + ".lock")
	_, err := lock.TryLockContext(limited, lockRetry)
	switch {
	case err == nil:
		return lock, nil
	case ctx.Err() == nil && limited.Err() != nil:
		err = fmt.Errorf("another process has held it for %v", r.wait)
	}
	return nil, fmt.Errorf("locking the install records with %q: %w", lock.Path(), errors.Join(err, lock.Close()))
}

// write makes the new file beside the old one, with its permissions and owner.
func (r Records) write(doc document, end finish) (err error) {
	data, err := doc.encode()
	if err != nil {
		return err
	}
	path := r.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a rename would replace the link
	}
	dir := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }()
	if err := keepOwner(f.File, path); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := end(f); err != nil {
		return err
	}
	return syncDir(dir)
}

// keepOwner gives a file the owner of the one that it is to replace.
func keepOwner(f *os.File, path string) error {
	old, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := f.Stat()
	if err != nil {
		return err
	}
	want, have := old.Sys().(*syscall.Stat_t), now.Sys().(*syscall.Stat_t)
	if want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	return f.Chown(int(want.Uid), int(want.Gid))
}

// syncDir makes a rename last over a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
