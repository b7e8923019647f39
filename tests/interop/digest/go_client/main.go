// Go_client asks an HTTP server for a few paths with github.com/icholy/digest and prints the status of each answer:
//
//	go_client QOP USER PASSWORD BODY URL...
//
// QOP is the one it takes of those the server offers. A BODY that is not empty is sent with POST.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/icholy/digest"
)

func main() {
	if len(os.Args) < 6 {
		log.Fatal("go_client QOP USER PASSWORD BODY URL...")
	}
	qop, user, password, body := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	// Left alone it takes auth where auth is offered.
	only := func(headers http.Header) (*digest.Challenge, error) {
		challenge, err := digest.FindChallenge(headers)
		if err == nil && challenge.SupportsQOP(qop) {
			challenge.QOP = []string{qop}
		}
		return challenge, err
	}
	transport := &digest.Transport{Username: user, Password: password, FindChallenge: only}
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	for _, url := range os.Args[5:] {
		fmt.Println(ask(client, url, body))
	}
}

func ask(client *http.Client, url, body string) int {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		log.Fatal(err)
	}
	return answer.StatusCode
}
