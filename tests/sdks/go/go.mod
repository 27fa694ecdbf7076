module flaghoist/sdks

go 1.24

require github.com/Flagsmith/flagsmith-go-client/v5 v5.1.0
