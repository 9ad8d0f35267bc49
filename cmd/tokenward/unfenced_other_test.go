//go:build !linux

package main

import "os"

// runUnfenced is the program: there is no Landlock here.
func runUnfenced() int { return run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv) }
