package docker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/docker/go-connections/tlsconfig"
	"github.com/moby/moby/client"
)

// An address is where an engine listens.
type address struct {
	host    string // as the client wants it
	network string // unix or tcp
	addr    string
	path    string // before every path of the API
	tls     *tls.Config
}

// resolve reads the address of an engine, and the environment where it is
// empty.
func resolve(host string) (address, error) {
	if host == "" {
		host = os.Getenv(client.EnvOverrideHost)
	}
	if host == "" {
		host = client.DefaultDockerHost
	}
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok || rest == "" {
		return address{}, fmt.Errorf("docker host %q: it is to be unix:///PATH or tcp://HOST:PORT", host)
	}
	switch scheme {
	case "unix":
		return address{host: host, network: "unix", addr: rest}, nil
	case "tcp":
		return resolveTCP(host)
	case "ssh":
		return address{}, fmt.Errorf("docker host %q: ssh is not spoken here; forward the engine's socket "+
			"(ssh -nNT -L /run/user/UID/engine.sock:/var/run/docker.sock %s) and use unix:///run/user/UID/engine.sock", host, rest)
	}
	return address{}, fmt.Errorf("docker host %q: %s:// is not known, unix:// and tcp:// are", host, scheme)
}

func resolveTCP(host string) (address, error) {
	u, err := url.Parse(host)
	if err != nil || u.Hostname() == "" {
		return address{}, fmt.Errorf("docker host %q: it is not tcp://HOST:PORT", host)
	}
	a := address{network: "tcp"}
	if a.tls, err = tlsFromEnv(); err != nil {
		return address{}, fmt.Errorf("docker host %q: %w", host, err)
	}
	if u.Port() == "" {
		port := "2375"
		if a.tls != nil {
			port = "2376"
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	if a.tls != nil {
		a.tls.ServerName = u.Hostname()
	}
	a.host, a.addr, a.path = u.String(), u.Host, strings.TrimSuffix(u.Path, "/")
	return a, nil
}

// tlsFromEnv is nil where no TLS is asked for. Without DOCKER_TLS_VERIFY a
// certificate path gives TLS that trusts any server, as the client library
// has it.
func tlsFromEnv() (*tls.Config, error) {
	dir, verify := os.Getenv(client.EnvOverrideCertPath), os.Getenv(client.EnvTLSVerify) != ""
	if dir == "" && !verify {
		return nil, nil
	}
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("finding the certificates of %s: %w", client.EnvTLSVerify, err)
		}
		dir = filepath.Join(home, ".docker")
	}
	config, err := tlsconfig.Client(tlsconfig.Options{
		CAFile:             filepath.Join(dir, "ca.pem"),
		CertFile:           filepath.Join(dir, "cert.pem"),
		KeyFile:            filepath.Join(dir, "key.pem"),
		InsecureSkipVerify: !verify,
		MinVersion:         tls.VersionTLS12,
	})
	if err != nil {
		return nil, fmt.Errorf("reading the certificates in %q: %w", dir, err)
	}
	return config, nil
}

// dial connects, whatever the HTTP transport believes to connect to. TLS is
// done here, so that requests and connections that are taken over have one way.
func (a address) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := net.Dialer{}
	raw, err := d.DialContext(ctx, a.network, a.addr)
	if err != nil {
		return nil, err
	}
	if a.tls != nil {
		secure := tls.Client(raw, a.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		raw = secure
	}
	c := &conn{Conn: raw}
	c.left.Store(math.MaxInt64)
	return c, nil
}

// errTooLong is the error of an answer that has no end.
var errTooLong = errors.New("the engine's answer is too long")

// A conn is a connection of which a limited number of bytes is read.
type conn struct {
	net.Conn
	left   atomic.Int64
	broken atomic.Pointer[func()] // called when reading fails
}

// Read reads no more than is left.
func (c *conn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, errTooLong
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), left)])
	c.left.Add(int64(-n))
	if f := c.broken.Load(); err != nil && f != nil {
		(*f)()
	}
	return n, err
}

// CloseWrite tells the other side that nothing more will come.
func (c *conn) CloseWrite() error {
	return c.Conn.(client.CloseWriter).CloseWrite()
}

// boundAnswer gives requests under ctx a limit for what is read of the answer.
func boundAnswer(ctx context.Context, limit int64) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if c, ok := info.Conn.(*conn); ok {
				c.left.Store(limit)
			}
		},
	})
}

// onBreak has f called when the connection of a request breaks.
func onBreak(ctx context.Context, f func()) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if c, ok := info.Conn.(*conn); ok {
				c.left.Store(math.MaxInt64)
				c.broken.Store(&f)
			}
		},
	})
}

// unboundAnswer undoes boundAnswer.
func unboundAnswer(ctx context.Context) context.Context { return boundAnswer(ctx, math.MaxInt64) }

// boundParts gives what is read of an endless answer a limit that counts from
// the last call of next.
func boundParts(ctx context.Context, limit int64) (_ context.Context, next func()) {
	var of atomic.Pointer[conn]
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if c, ok := info.Conn.(*conn); ok {
				c.left.Store(limit)
				of.Store(c)
			}
		},
	})
	return ctx, func() {
		if c := of.Load(); c != nil {
			c.left.Store(limit)
		}
	}
}
