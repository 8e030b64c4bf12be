// Command hello is the floor of a Go program's start.
package main

import "fmt"

func main() { fmt.Println("hello") }
