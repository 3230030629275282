/* What ImageJ makes of TIFF files: one line of JSON for each slice of each file, one for a file that it does not open.
   java -Djava.awt.headless=true -cp ij.jar ReadByImageJ.java FILE... */

import ij.ImagePlus;
import ij.io.Opener;
import ij.measure.Calibration;
import ij.process.ImageProcessor;
import ij.process.ImageStatistics;

public class ReadByImageJ {
    public static void main(String[] files) {
        Opener opener = new Opener();
        opener.setSilentMode(true);
        for (String file : files) {
            ImagePlus image = opener.openImage(file);
            if (image == null) {
                System.out.printf("{\"file\": %s, \"opened\": false}%n", quoted(file));
                continue;
            }
            for (int slice = 1; slice <= image.getStackSize(); slice++) {
                image.setSlice(slice);
                System.out.println(told(file, image));
            }
        }
    }

    static String told(String file, ImagePlus image) {
        Calibration calibration = image.getCalibration();
        ImageProcessor pixels = image.getProcessor();
        ImageStatistics statistics = image.getStatistics();
        StringBuilder values = new StringBuilder();
        for (int place = 0; place < pixels.getPixelCount(); place++)
            values.append(place == 0 ? "" : ", ").append((float) calibration.getCValue(pixels.getf(place)));
        return String.format(
            "{\"file\": %s, \"opened\": true, \"title\": %s, \"about\": %s, \"slice\": %d, \"slices\": %d, "
            + "\"width\": %d, \"height\": %d, \"bits\": %d, \"length_unit\": %s, \"pixel_width\": %s, "
            + "\"mean\": %s, \"min\": %s, \"max\": %s, \"values\": [%s]}",
            quoted(file), quoted(image.getTitle()), quoted(image.getInfoProperty()), image.getCurrentSlice(),
            image.getStackSize(), image.getWidth(), image.getHeight(), image.getBitDepth(),
            quoted(calibration.getUnit()), calibration.pixelWidth, statistics.mean, statistics.min, statistics.max,
            values);
    }

    static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
    }
}
