// Prints what archive/tar reads from each of the files named: one JSON object a line.
package main

import (
	"archive/tar"
	"encoding/json"
	"io"
	"os"
)

type entry struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Link string `json:"link"`
	Size int64  `json:"size"`
}

type reading struct {
	Entries []entry `json:"entries"`
	Error   string  `json:"error"`
}

func read(path string) (found reading) {
	file, err := os.Open(path)
	if err != nil {
		return reading{Error: err.Error()}
	}
	defer file.Close()
	reader := tar.NewReader(file)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			found.Error = err.Error()
			return found
		}
		found.Entries = append(found.Entries, entry{header.Name, string(header.Typeflag), header.Linkname, header.Size})
	}
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		if err := out.Encode(read(path)); err != nil {
			os.Exit(1)
		}
	}
}
