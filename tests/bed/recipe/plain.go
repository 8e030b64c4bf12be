package recipe

import (
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A plain layer is one that is not compressed, which the library's own always
// is: to compress and to unpack takes longer than to read more from the disk.
type plain struct {
	open func() (io.ReadCloser, error)
	hash v1.Hash
	size int64
}

func newPlain(open func() (io.ReadCloser, error)) (*plain, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	hash, size, err := v1.SHA256(r)
	if err != nil {
		return nil, err
	}
	return &plain{open: open, hash: hash, size: size}, nil
}

func (p *plain) Digest() (v1.Hash, error)             { return p.hash, nil }
func (p *plain) DiffID() (v1.Hash, error)             { return p.hash, nil }
func (p *plain) Compressed() (io.ReadCloser, error)   { return p.open() }
func (p *plain) Uncompressed() (io.ReadCloser, error) { return p.open() }
func (p *plain) Size() (int64, error)                 { return p.size, nil }
func (p *plain) MediaType() (types.MediaType, error)  { return types.DockerUncompressedLayer, nil }
