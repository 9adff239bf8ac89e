// FtpWebRequest on the course that course.rs describes. It has no implicit TLS.
using System;
using System.IO;
using System.Net;
using System.Security.Cryptography.X509Certificates;

class Course {
    static string root, user, password, security, mode;

    static FtpWebRequest Request(string method, string path) {
        var request = (FtpWebRequest)WebRequest.Create(root + Uri.EscapeDataString(path));
        request.Credentials = new NetworkCredential(user, password);
        request.Method = method;
        request.EnableSsl = security == "explicit";
        request.UsePassive = mode == "passive";
        request.Proxy = null;
        request.Timeout = request.ReadWriteTimeout = 20000;
        return request;
    }

    static string Ask(FtpWebRequest request) {
        using (var response = (FtpWebResponse)request.GetResponse())
        using (var reader = new StreamReader(response.GetResponseStream()))
            return reader.ReadToEnd();
    }

    static void Store(string method, string path, Stream content) {
        var request = Request(method, path);
        using (var stream = request.GetRequestStream()) content.CopyTo(stream);
        ((FtpWebResponse)request.GetResponse()).Close();
    }

    static void Fetch(string path, string file, FileMode how) {
        using (var output = new FileStream(file, how)) {
            var request = Request(WebRequestMethods.Ftp.DownloadFile, path);
            request.ContentOffset = output.Seek(0, SeekOrigin.End);
            using (var response = request.GetResponse())
            using (var stream = response.GetResponseStream()) stream.CopyTo(output);
        }
    }

    static void Walk() {
        var names = Directory.GetFiles("up");
        Ask(Request(WebRequestMethods.Ftp.MakeDirectory, "stored"));
        foreach (var name in names)
            using (var file = File.OpenRead(name))
                Store(WebRequestMethods.Ftp.UploadFile, "stored/" + Path.GetFileName(name), file);
        // NLST of a folder has the folder in front of each name.
        var listed = Ask(Request(WebRequestMethods.Ftp.ListDirectory, "stored"));
        File.WriteAllText("listed", listed.Replace("stored/", ""));
        foreach (var name in names)
            Fetch("stored/" + Path.GetFileName(name), "fetched/" + Path.GetFileName(name), FileMode.Create);

        Fetch("whole", "cut", FileMode.Append);
        using (var whole = File.OpenRead("whole")) {
            var size = Request(WebRequestMethods.Ftp.GetFileSize, "cut");
            using (var response = size.GetResponse()) whole.Seek(response.ContentLength, SeekOrigin.Begin);
            Store(WebRequestMethods.Ftp.AppendFile, "cut", whole);
        }
        var rename = Request(WebRequestMethods.Ftp.Rename, "old");
        rename.RenameTo = "/new";
        Ask(rename);
        Ask(Request(WebRequestMethods.Ftp.DeleteFile, "doomed"));
        Ask(Request(WebRequestMethods.Ftp.RemoveDirectory, "hollow"));
        try {
            Ask(Request(WebRequestMethods.Ftp.DownloadFile, "missing"));
        } catch (WebException error) {
            File.WriteAllText("refused", error.Message);
        }
    }

    static void Main(string[] words) {
        var host = words[0].Contains(":") ? "[" + words[0] + "]" : words[0];
        root = "ftp://" + host + ":" + words[1] + "/";
        user = words[2];
        password = words[3];
        security = words[4];
        mode = words[5];
        if (security != "clear") {
            var ca = new X509Certificate2(words[6]);
            ServicePointManager.ServerCertificateValidationCallback =
                (sender, certificate, chain, errors) => certificate.Issuer == ca.Subject;
        }
        Walk();
        Console.WriteLine("done");
    }
}
