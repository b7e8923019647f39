module go_client

go 1.23.0

require github.com/icholy/digest v1.2.0
