package main

import "context"

type imageOptions struct{ engines []string }

func makeImages(ctx context.Context, o imageOptions) error { return nil }
func runImages(ctx context.Context, args []string) error   { return nil }
