package images

import (
	"fmt"
	"io"
	"log/slog"
)

// String tells whose credentials they are. It, Format and LogValue keep secrets
// out of logs and messages, however the value gets there.
func (c Credentials) String() string {
	switch {
	case c.IdentityToken != "":
		return fmt.Sprintf("credentials of %q with a token", c.Username)
	case c.Password != "":
		return fmt.Sprintf("credentials of %q with a password", c.Username)
	}
	return fmt.Sprintf("credentials of %q", c.Username)
}

// Format is String for every verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }
