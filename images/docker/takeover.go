package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/moby/moby/api/types/common"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// A stream is a connection that was taken over from HTTP.
type stream struct {
	*conn
	r         *bufio.Reader // of the connection; it may hold bytes already
	mediaType string
}

// maxWords is how much is kept of what the engine says on a stream, in bytes.
const maxWords = 16 << 10

// takeOver makes a request after which the connection is a stream. The client
// library can do it, too, but without heed to a context, and drops what the
// engine says where it refuses.
func (e *Engine) takeOver(ctx context.Context, doing, route string, query url.Values, body any) (*stream, error) {
	within, cancel := context.WithTimeoutCause(ctx, e.limits.answer, noAnswer(e.limits.answer))
	defer cancel()
	s, err := e.requestStream(within, route, query, body)
	if err != nil {
		return nil, e.failed(ctx, within, doing, err)
	}
	return s, nil
}

func (e *Engine) requestStream(ctx context.Context, route string, query url.Values, body any) (*stream, error) {
	if err := e.negotiate(ctx); err != nil {
		return nil, err
	}
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	to := url.URL{
		Scheme: "http", Host: e.at.addr, RawQuery: query.Encode(),
		Path: path.Join(e.at.path, "/v"+e.cli.ClientVersion(), route),
	}
	if e.at.network == "unix" {
		to.Host = client.DummyHost
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "tcp")

	c, err := e.at.dial(ctx, "", "")
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	s, err := exchange(c.(*conn), request)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

// exchange sends the request and reads the answer.
func exchange(c *conn, request *http.Request) (*stream, error) {
	if err := request.Write(c); err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, request)
	if err != nil {
		// A head that is cut off has many faults.
		return nil, &callError{kind: images.ErrUnreachable, err: err}
	}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return &stream{conn: c, r: r, mediaType: answer.Header.Get("Content-Type")}, nil
	}
	// The answer may come as that of the API or as the stream itself.
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxWords))
	var e common.ErrorResponse
	words := strings.TrimSpace(string(text))
	switch {
	case json.Unmarshal(text, &e) == nil && e.Message != "":
		words = e.Message
	case words == "" && err != nil:
		return nil, err
	case words == "", answer.StatusCode < http.StatusBadRequest:
		words = "the engine answered " + answer.Status
	}
	return nil, refused(answer.StatusCode, words)
}
