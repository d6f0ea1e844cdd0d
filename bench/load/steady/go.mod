module sallyport.dev/bench/load/steady

go 1.26.0
