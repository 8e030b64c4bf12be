// Package auth finds the credentials for the registry of an image, where
// docker login and podman login leave them.
package auth
