# Ruby's net-ftp on the course that course.rs describes. The one of Ruby 3.1 has no implicit TLS.
require "net/ftp"

host, port, user, password, security, mode, ca = ARGV
options = { port: port.to_i, passive: mode == "passive", open_timeout: 20, read_timeout: 20 }
options[:ssl] = { ca_file: ca } unless security == "clear"
Net::FTP.open(host, options) do |ftp|
  ftp.login(user, password)
  names = Dir.children("up")
  ftp.mkdir("/stored")
  names.each { |name| ftp.putbinaryfile("up/#{name}", "/stored/#{name}") }
  listed = ftp.mlsd("/stored").map(&:pathname) | ftp.nlst("/stored").map { |path| File.basename(path) }
  File.write("listed", listed.join("\n"))
  names.each { |name| ftp.getbinaryfile("/stored/#{name}", "fetched/#{name}") }

  ftp.resume = true
  ftp.getbinaryfile("/whole", "cut")
  ftp.putbinaryfile("whole", "/cut")
  ftp.rename("/old", "/new")
  ftp.delete("/doomed")
  ftp.rmdir("/hollow")
  begin
    ftp.resume = false
    ftp.getbinaryfile("/missing", "nothing")
  rescue Net::FTPPermError => error
    File.write("refused", error.message)
  end
end
puts "done"
