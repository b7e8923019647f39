//go:build tools

// The plugins that build.sh makes from this module's own versions; no part of the program.
package main

import (
	_ "google.golang.org/grpc/cmd/protoc-gen-go-grpc"
	_ "google.golang.org/protobuf/cmd/protoc-gen-go"
)
