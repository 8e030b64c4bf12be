package docker

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/moby/moby/client"
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
