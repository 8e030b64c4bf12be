package images

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCredentialsAreNotPrinted(t *testing.T) {
	var log strings.Builder
	loggers := []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))}
	for _, c := range []Credentials{
		{Username: "me", Password: "hunter2"},
		{Username: "me", IdentityToken: "hunter2"},
		{Username: "me", Password: "hunter2", IdentityToken: "hunter2"},
		{Username: "me"},
	} {
		log.Reset()
		for _, l := range loggers {
			l.Info("pull", "creds", c, "pointer", &c)
		}
		texts := []string{log.String(), c.String(), fmt.Sprint(&c), fmt.Sprint([]Credentials{c})}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, PullOptions{Auth: &c}))
		}
		for _, text := range texts {
			if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("a secret in %q", text)
			}
		}
		if !strings.Contains(c.String(), "me") {
			t.Errorf("%q does not tell whose", c.String())
		}
	}
}
