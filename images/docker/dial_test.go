package docker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// deniedClient is a client for which connecting fails so.
func deniedClient(t *testing.T, err error) *client.Client {
	t.Helper()
	cli, e := client.New(client.WithDialContext(func(context.Context, string, string) (net.Conn, error) { return nil, err }))
	if e != nil {
		t.Fatal(e)
	}
	return cli
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		host, env          string
		network, addr, err string
	}{
		{"unix:///run/x.sock", "tcp://1.2.3.4", "unix", "/run/x.sock", ""},
		{"", "", "unix", "/var/run/docker.sock", ""},
		{"", "unix:///run/env.sock", "unix", "/run/env.sock", ""},
		{"", "tcp://10.0.0.1:99", "tcp", "10.0.0.1:99", ""},
		{"tcp://10.0.0.1", "", "tcp", "10.0.0.1:2375", ""},
		{"tcp://[fd00::1]", "", "tcp", "[fd00::1]:2375", ""},
		{"tcp://host:99/prefix/", "", "tcp", "host:99", ""},
		{"ssh://me@host", "", "", "", "ssh -nNT -L"},
		{"", "ssh://me@host", "", "", "unix:///run/user/"},
		{"fd://", "", "", "", "unix:///PATH"},
		{"npipe:////./pipe/x", "", "", "", "not known"},
		{"unix://", "", "", "", "unix:///PATH"},
		{"/run/x.sock", "", "", "", "unix:///PATH"},
		{"tcp://", "", "", "", "unix:///PATH"},
		{"tcp://:99", "", "", "", "tcp://HOST:PORT"},
		{"tcp://a b", "", "", "", "tcp://HOST:PORT"},
		{"unix:///" + strings.Repeat("x", 200), "", "", "", "too long"},
	} {
		t.Setenv("DOCKER_HOST", c.env)
		t.Setenv("DOCKER_TLS_VERIFY", "")
		t.Setenv("DOCKER_CERT_PATH", "")
		e, err := New(c.host)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %q: error %v, want %q", c.host, c.env, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q, %q: %v", c.host, c.env, err)
			continue
		}
		if e.at.network != c.network || e.at.addr != c.addr {
			t.Errorf("%q, %q: got %s %s, want %s %s", c.host, c.env, e.at.network, e.at.addr, c.network, c.addr)
		}
	}
}

// authority signs certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (a *authority) issue(t *testing.T, dir, name string, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotAfter = time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert == nil {
		a.key = key
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	for file, text := range map[string][]byte{name + ".pem": certPEM, strings.NewReplacer("cert", "key", "ca", "ca-key").Replace(name) + ".pem": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// TestTLS talks to an engine that demands a certificate and shows its own, in
// questions and in streams.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca := &authority{}
	ca.issue(t, dir, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	ca.issue(t, dir, "cert", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	theirs := ca.issue(t, t.TempDir(), "cert", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)

	s := newServer(t, "1.47")
	s.sound()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{theirs}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	go h.Serve(l)
	t.Cleanup(func() { h.Close() })
	host := "tcp://" + l.Addr().String()

	for _, c := range []struct {
		what, verify, dir string
		kind              error
	}{
		{"with all there is to know", "1", dir, nil},
		{"without a look at the server", "", dir, nil},
		{"without certificates", "", "", images.ErrUnreachable},
		{"to another authority", "1", otherAuthority(t, dir), images.ErrUnreachable},
	} {
		t.Setenv("DOCKER_TLS_VERIFY", c.verify)
		t.Setenv("DOCKER_CERT_PATH", c.dir)
		e := openLimited(t, host, patient())
		_, err := e.Info(t.Context())
		if c.kind != nil {
			wantKind(t, c.what, err, c.kind)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		session, err := e.Exec(t.Context(), "box", images.Process{Stdin: true})
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		var out strings.Builder
		if err := session.Pipe(t.Context(), images.Streams{Stdin: strings.NewReader("in"), Stdout: &out}); err != nil || out.String() != "out" {
			t.Errorf("%s: %q, %v", c.what, out.String(), err)
		}
		session.Close()
	}

	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CERT_PATH", t.TempDir())
	if _, err := New(host); err == nil || !strings.Contains(err.Error(), "ca.pem") {
		t.Errorf("without files: %v", err)
	}
	// A socket of this machine has no use for any of it.
	openLimited(t, s.host, patient())
}

// otherAuthority has the certificates of dir, and trusts someone else.
func otherAuthority(t *testing.T, dir string) string {
	t.Helper()
	other := t.TempDir()
	for _, name := range []string{"cert.pem", "key.pem"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(other, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	(&authority{}).issue(t, other, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return other
}

// TestBasePath has an engine behind a path of a server.
func TestBasePath(t *testing.T) {
	s := newServer(t, "1.47")
	s.sound()
	h := httptest.NewServer(http.StripPrefix("/behind/it", s))
	defer h.Close()
	e := openLimited(t, "tcp://"+strings.TrimPrefix(h.URL, "http://")+"/behind/it/", patient())
	if _, err := e.Info(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := e.Attach(t.Context(), "box", images.AttachOptions{}); err != nil {
		t.Error(err)
	}
}
