package auth

import (
	"errors"
	"strings"

	"github.com/projectatomic/atomic/images"
)

// Parse reads USER[:PASSWORD]. The password is everything after the first
// colon and may be empty or missing, which comes to the same: somebody has to
// be asked for it. An error does not repeat what was given.
func Parse(creds string) (*images.Credentials, error) {
	user, password, _ := strings.Cut(creds, ":")
	if user == "" {
		return nil, errors.New("credentials are USER[:PASSWORD], these have no user")
	}
	return &images.Credentials{Username: user, Password: password}, nil
}
