// Apache Commons Net on the course that course.rs describes.

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.stream.Stream;
import javax.net.ssl.TrustManagerFactory;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPClient;
import org.apache.commons.net.ftp.FTPSClient;

class CommonsNet {
    static FTPClient ftp;

    public static void main(String[] words) throws Exception {
        String security = words[4], mode = words[5], ca = words[6];
        ftp = security.equals("clear") ? new FTPClient() : secure(security, ca);
        ftp.setAutodetectUTF8(true);
        ftp.setControlEncoding("UTF-8");
        ftp.setConnectTimeout(20_000);
        ftp.setDefaultTimeout(20_000);
        // EPSV and EPRT on IPv4 too: PASV and PORT are others' custom.
        ftp.setUseEPSVwithIPv4(mode.equals("passive"));
        ftp.connect(words[0], Integer.parseInt(words[1]));
        check(ftp.login(words[2], words[3]));
        if (ftp instanceof FTPSClient secure) {
            secure.execPBSZ(0);
            secure.execPROT("P");
        }
        if (mode.equals("passive")) ftp.enterLocalPassiveMode();
        check(ftp.setFileType(FTP.BINARY_FILE_TYPE));
        walk();
        check(ftp.logout());
        System.out.println("done");
    }

    static FTPSClient secure(String security, String ca) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (var file = new FileInputStream(ca)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        var secure = new FTPSClient(security.equals("implicit"));
        secure.setTrustManager(factory.getTrustManagers()[0]);
        return secure;
    }

    static void walk() throws IOException {
        String[] names = Path.of("up").toFile().list();
        check(ftp.makeDirectory("/stored"));
        for (String name : names) {
            try (var file = new FileInputStream("up/" + name)) {
                check(ftp.storeFile("/stored/" + name, file));
            }
        }
        Files.writeString(Path.of("listed"), listed("/stored"));
        for (String name : names) fetch("/stored/" + name, "fetched/" + name, false);

        ftp.setRestartOffset(Files.size(Path.of("cut")));
        fetch("/whole", "cut", true);
        long size = ftp.mlistFile("/cut").getSize();
        try (var file = new FileInputStream("whole")) {
            file.skipNBytes(size);
            ftp.setRestartOffset(size);
            check(ftp.storeFile("/cut", file));
        }
        check(ftp.rename("/old", "/new"));
        check(ftp.deleteFile("/doomed"));
        check(ftp.removeDirectory("/hollow"));
        if (ftp.retrieveFile("/missing", System.err)) throw new IOException("/missing was there");
        Files.writeString(Path.of("refused"), ftp.getReplyString());
    }

    /** By MLSD and by LIST, which must agree. */
    static String listed(String folder) throws IOException {
        String[] machine = names(Stream.of(ftp.mlistDir(folder)).map(file -> file.getName()));
        ftp.setListHiddenFiles(true);
        String[] human = names(Stream.of(ftp.listFiles(folder)).map(file -> file.getName()));
        if (!Stream.of(machine).toList().equals(Stream.of(human).toList()))
            throw new IOException(String.join("|", machine) + " is not " + String.join("|", human));
        return String.join("\n", machine);
    }

    static String[] names(Stream<String> all) {
        return all.filter(name -> !name.equals(".") && !name.equals("..")).sorted().toArray(String[]::new);
    }

    static void fetch(String path, String file, boolean append) throws IOException {
        try (var output = new FileOutputStream(file, append)) {
            check(ftp.retrieveFile(path, output));
        }
    }

    static void check(boolean succeeded) throws IOException {
        if (!succeeded) throw new IOException(ftp.getReplyString());
    }
}
