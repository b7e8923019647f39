// Winrm runs one command on a Windows machine over WinRM, logged on by CredSSP, which Go has no library for:
//
//	winrm [-service ADDRESS] -user DOMAIN\NAME http://HOST:5985/wsman COMMAND [ARGUMENT...]
//
// The password is what WINRM_PASSWORD says, else the first line of standard input. The command's output is printed, and its
// exit code is the program's; 125 says that it was not run.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	notRun   = 125
	patience = 5 * time.Minute
)

func main() {
	service := flag.String("service", "127.0.0.1:50051", "where sspid is called: host:port or unix:///path")
	user := flag.String("user", "", `who logs on: DOMAIN\NAME or NAME@REALM`)
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), `usage: winrm [-service ADDRESS] -user DOMAIN\NAME http://HOST:5985/wsman COMMAND [ARGUMENT...]`)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 || *user == "" {
		flag.Usage()
		os.Exit(2)
	}
	code, err := run(*service, *user, flag.Arg(0), flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "winrm:", err)
		code = notRun
	}
	os.Exit(code)
}

func run(service, user, address string, command []string) (int, error) {
	endpoint, err := url.Parse(address)
	if err != nil || endpoint.Scheme != "http" || endpoint.Hostname() == "" {
		return 0, fmt.Errorf("%q is no http URL: WinRM seals its messages over http itself, usually at http://HOST:5985/wsman", address)
	}
	password, err := secret()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	security, err := newSecurity(ctx, service, user, password, spn(endpoint.Hostname()))
	if err != nil {
		return 0, err
	}
	defer security.close()
	transport := newTransport(ctx, endpoint, security)
	if err := transport.logOn(); err != nil {
		return 0, explained(err, user, endpoint.Hostname())
	}
	return execute(transport, command)
}

// secret keeps the password out of the command line, which every user of the machine can read.
func secret() (string, error) {
	if password := os.Getenv("WINRM_PASSWORD"); password != "" {
		return password, nil
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if password := strings.TrimRight(line, "\r\n"); password != "" {
		return password, nil
	}
	return "", fmt.Errorf("no password: set WINRM_PASSWORD or give it as the first line of standard input (%v)", err)
}

// execute runs one command in a shell of its own, which is deleted whatever happens.
func execute(transport *transport, command []string) (code int, err error) {
	shell, err := createShell(transport)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shell.delete()) }()
	return shell.run(command[0], command[1:], os.Stdout, os.Stderr)
}
